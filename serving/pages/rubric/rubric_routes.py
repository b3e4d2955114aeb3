"""Routes of the rubric page: show it, change the draft, try it, adopt it."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from features.errors import LeadScoreError, PolicyError
from features.rubric.csv_format import to_csv
from features.rubric.draft import Content, read_content, with_rule, without_rule
from features.rubric.yaml_format import rubric_yaml
from models.explaining.language import Language
from pipelines.report.marketing_section import BAD_RULES, follows_outcomes
from pipelines.workspace.csv_files import mark_text
from pipelines.workspace.rubric_versions import version_record
from serving.auth.api_keys import Caller
from serving.auth.dependencies import Admin, AppStateDep, Reader, check_form_token
from serving.pages.language import language_of
from serving.pages.render import render_page
from serving.pages.rubric import drafting
from serving.pages.rubric.replay import build_replay, list_missing
from serving.pages.rubric.rubric_view import VERDICTS, build_rubric_view
from serving.pages.rubric.rule_fields import find_field, list_fields
from serving.pages.rubric.rule_form import KEEP, choice_of, read_form, write_form
from serving.pages.rubric.words import GROUP_NAMES, group_name
from serving.pages.told_sentences import tell
from serving.problems import InvalidError, NotFoundError
from serving.results import rubric_drafts
from serving.results.rubric_study import study_active, study_draft
from serving.results.run_results import read_comparison
from serving.results.stored_drafts import discard_draft, read_draft, save_draft
from serving.scopes import Scope
from serving.state.app_state import AppState

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Token = Annotated[str, Form(max_length=100)]
_MOST_BOXES = 4_000  # of the page's form, half of them what the others showed as it came
_PAGE = "/rubric"


@router.get(_PAGE)
def rubric_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    done: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The rubric in use or the draft as rows, what outcomes say of each, and the draft on the past."""
    return _show(request, app_state, caller, done=done)


@router.post("/rubric/draft")
def begin(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    token: Token,
    how: Annotated[str, Form(max_length=120)] = "",
) -> Response:
    """A new draft: empty, of the rubric in use, or from outcomes."""
    check_form_token(request, token)
    drafting.begin_draft(app_state, caller, how)
    return RedirectResponse(f"{_PAGE}?done=begun", status_code=303)


@router.post("/rubric/discard")
def discard(request: Request, app_state: AppStateDep, caller: Reader, token: Token) -> Response:
    """Forget the draft."""
    check_form_token(request, token)
    discard_draft(app_state, caller)
    return RedirectResponse(f"{_PAGE}?done=discarded", status_code=303)


@router.post("/rubric/points")
async def save_points(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """Points, caps and thresholds that were typed into the boxes; a button may take a rule away or a change back."""
    sent = drafting.find_typed(await _read_boxes(request))
    check_form_token(request, sent.get("token", ""))
    content, _ = drafting.working_content(app_state, caller)
    if content is None:
        raise NotFoundError("there is no rubric and no draft yet; begin one on the rubric page.")
    changed, errors = drafting.with_sent_points(content, sent, language_of(request))
    act, _, what = sent.get("do", "").partition(":")
    if act == "remove":
        changed = without_rule(changed, what)
    elif act == "undo":
        changed = drafting.undo_change(changed, app_state.find_decided().rubric, what)
    errors = {name: said for name, said in errors.items() if not act or not drafting.is_box_of(name, what)}
    if errors:  # a change of one rule saves what was typed into the other boxes, too
        return _show(request, app_state, caller, sent=sent, errors=errors)
    if changed != content:
        drafting.keep_content(app_state, caller, changed)
    return RedirectResponse(f"{_PAGE}?done={act or 'saved'}", status_code=303)


@router.post("/rubric/upload")
def upload(
    request: Request, app_state: AppStateDep, caller: Reader, token: Token, file: Annotated[UploadFile, File()]
) -> Response:
    """A rubric's CSV becomes the draft, or is refused in words."""
    check_form_token(request, token)
    raw = file.file.read(drafting.LARGEST_FILE + 1)
    content, problems = drafting.read_uploaded(app_state, raw, file.filename or "", language_of(request))
    if content is None:
        return _show(request, app_state, caller, refused=problems)
    if problem := _refused_pattern(app_state, caller, content):
        return _show(request, app_state, caller, refused=drafting.RefusedFile([problem], english=True))
    save_draft(app_state, caller, content, drafting.label_of(app_state.find_decided().rubric))
    return RedirectResponse(f"{_PAGE}?done=uploaded", status_code=303)


@router.get("/rubric.csv")
def download(app_state: AppStateDep, caller: Reader, of: Annotated[str, Query(max_length=80)] = "") -> Response:
    """The draft, the rubric in use, or a version before as CSV."""
    versions = {f"{v.rubric.name} {v.rubric.version}": v.rubric for v in app_state.find_decided().rubrics.versions}
    rubric = versions.get(of)
    if rubric is None:
        content, draft = drafting.working_content(app_state, caller)
        if content is not None and (of in ("", "draft") or draft is None):
            rubric, _ = read_content(content, app_state.context.source)
    if rubric is None:
        raise NotFoundError("there is no finished rubric of that name to download; mend the draft's rules first.")
    file = f"rubric-{rubric.name}-{rubric.version}.csv".encode("ascii", "ignore").decode().replace('"', "")
    named = {"content-disposition": f'attachment; filename="{file}"'}
    return Response(mark_text(to_csv(rubric)), media_type="text/csv; charset=utf-8", headers=named)


@router.post("/rubric/adopt")
def adopt(
    request: Request,
    app_state: AppStateDep,
    caller: Admin,
    token: Token,
    reason: Annotated[str, Form(max_length=500)] = "",
    since: Annotated[str, Form(max_length=40)] = "",
    replaces: Annotated[str | None, Form(max_length=200)] = None,
) -> Response:
    """The draft becomes the rubric in use."""
    check_form_token(request, token)
    language, draft = language_of(request), read_draft(app_state, caller)
    if draft is None:
        raise NotFoundError("there is no draft to adopt; it was adopted or discarded meanwhile.")
    sent = {"reason": reason, "since": since}
    if not reason.strip():
        said = language.text("Say in a sentence why; it stays with the version.")
        return _show(request, app_state, caller, sent=sent, errors={"adopt": said})
    rubric, _ = read_content(draft.content, app_state.context.source)
    if rubric is None:
        said = language.text("This draft cannot be adopted yet: mend the rules that are marked, or add one.")
        return _show(request, app_state, caller, sent=sent, errors={"adopt": said})
    try:
        checked = rubric_drafts.parse_draft(app_state, rubric_yaml(rubric), caller)
        rubric_drafts.adopt_draft(app_state, checked, caller, reason, since.strip() or None, replaces=replaces)
    except LeadScoreError as problem:
        return _show(request, app_state, caller, sent=sent, errors={"adopt": tell(language, problem.message)})
    discard_draft(app_state, caller)
    return RedirectResponse(f"{_PAGE}?done=adopted", status_code=303)


@router.get("/rubric/rule")
def rule_page(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    field: Annotated[str, Query(max_length=200)] = "",
    rule: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """First the fields to choose from, then the form of a rule on one of them."""
    content, _ = drafting.working_content(app_state, caller)
    if content is None:
        return RedirectResponse(_PAGE, status_code=303)
    found = next((one for one in content["rules"] if one["id"] == rule), None)
    choices = {one.key: one for group in list_fields(app_state) for one in group.fields}
    choice = choice_of(found, choices) if found is not None else choices.get(field)
    if choice is None:
        wrong = _no_field(field or rule, language_of(request)) if field or rule else ""
        groups = list_fields(app_state)
        return render_page(request, "rubric/fields.html", caller, groups=groups, wrong=wrong)
    form = write_form(choice, found, language_of(request))
    return _show_form(request, app_state, caller, content, form)


@router.post("/rubric/rule")
async def save_rule(request: Request, app_state: AppStateDep, caller: Reader) -> Response:
    """The rule of the form joins the draft, or comes back with what is wrong in which box."""
    sent = await _read_boxes(request)
    check_form_token(request, sent.get("token", ""))
    language = language_of(request)
    content, _ = drafting.working_content(app_state, caller)
    if content is None:
        return RedirectResponse(_PAGE, status_code=303)
    choice = find_field(app_state, sent.get("field", ""))
    if choice is None:
        wrong = _no_field(sent.get("field", ""), language)
        groups = list_fields(app_state)
        return render_page(request, "rubric/fields.html", caller, status=422, groups=groups, wrong=wrong)
    found = next((one for one in content["rules"] if one["id"] == sent.get("rule", "")), None)
    taken = [str(one["id"]) for one in content["rules"]]
    made, form = read_form(choice, sent, found, taken, app_state.context.source, language)
    if made is not None:
        problem = _refused_pattern(app_state, caller, made)
        if problem:
            form.english_problems.append(problem)
        else:
            drafting.keep_content(app_state, caller, with_rule(drafting.with_group_of(content, made), made))
            return RedirectResponse(f"{_PAGE}?done=rule#rule-{made['id']}", status_code=303)
    return _show_form(request, app_state, caller, content, form, status=422)


def _no_field(name: str, language: Language) -> str:
    return language.text("This source has no field '{field}'. Choose one of these.", field=name[:100])


def _refused_pattern(app_state: AppState, caller: Caller, asked: Content) -> str:
    """Why a rule or rubric may not be tried by this caller: new regular expressions are for administrators."""
    try:
        rubric_drafts.check_patterns(asked, app_state.context.rubric, caller)
    except InvalidError as problem:
        return problem.message
    return ""


async def _read_boxes(request: Request) -> dict[str, str]:
    """The text boxes of a sent form."""
    form = await request.form(max_fields=_MOST_BOXES, max_files=0)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _show_form(
    request: Request, app_state: AppState, caller: Caller, content: Content, form: Any, status: int = 200
) -> Response:
    language = language_of(request)
    groups = {name: group_name(name, group, language) for name, group in content["groups"].items()}
    groups |= {name: language.text(title) for name, title in GROUP_NAMES.items() if name not in groups}
    return render_page(request, "rubric/rule.html", caller, status=status, form=form, groups=groups, keep=KEEP)


def _show(
    request: Request,
    app_state: AppState,
    caller: Caller,
    *,
    done: str = "",
    sent: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    refused: drafting.RefusedFile | None = None,
) -> Response:
    """The page; ``sent`` and ``errors`` bring back what was typed and what was wrong with it."""
    language, context, decided = language_of(request), app_state.context, app_state.find_decided()
    content, draft = drafting.working_content(app_state, caller)
    active, last = decided.rubric, read_comparison(app_state)
    study, tried = None, None
    worth: Any = ()
    view = None
    if content is not None:
        rubric, _ = read_content(content, context.source)
        if draft is not None and rubric is not None and app_state.ready:
            study, tried = study_draft(app_state, rubric, caller, begin=False), rubric
            worth = study.value.worth if study.value is not None else ()
        elif draft is None and active is not None:
            worth = _worth_in_use(app_state, active, last)
        view = build_rubric_view(content, active, worth, context.source, language)
    wrong = bool(errors or refused)
    if done == "adopted" and app_state.is_outdated():
        done = "later"  # with many leads it is loaded beside the requests
    answer = render_page(
        request,
        "rubric/page.html",
        caller,
        status=422 if wrong else 200,
        view=view,
        draft=draft,
        overtaken=drafting.is_overtaken(app_state, draft),
        active=active,
        unloaded=drafting.label_of(active) != drafting.label_of(context.rubric),
        verdicts=VERDICTS,
        misleading=BAD_RULES,
        follows=follows_outcomes(worth),
        replay=None if study is None else build_replay(app_state, study, caller),
        missing=list_missing(app_state, last, content, language),
        versions=[version_record(version) for version in reversed(decided.rubrics.versions)],
        admin=caller.may(Scope.ADMIN),
        can_learn=drafting.proposed_file(app_state).exists(),
        flat=context.source.kind == "flat",
        done=done,
        sent=sent or {},
        errors=errors or {},
        refused=refused,
    )
    if study is not None and study.underway and tried is not None:
        study_draft(app_state, tried, caller)
    return answer


def _worth_in_use(app_state: AppState, active: Any, last: Any) -> Any:
    """What the rules in use are worth: as the last run judged them, else worked out beside the request."""
    repair = None if last is None else last.repair
    judged = set() if repair is None else {row["rule"] for row in repair.worth}
    one_version = len(app_state.context.rubrics.versions) == 1
    if repair is not None and one_version and judged == {rule.id for rule in active.rules}:
        return repair.worth
    try:
        return study_active(app_state, active).value or ()
    except PolicyError:
        return ()

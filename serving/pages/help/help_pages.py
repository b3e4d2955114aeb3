"""``/help`` and ``/help/{role}``: what each role does here, and the words of the pages."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from serving.auth.dependencies import Reader
from serving.pages.glossary import GLOSSARY
from serving.pages.help.role_help import ROLE_HELP
from serving.pages.home.roles import HomeRole, choose_role
from serving.pages.render import render_page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/help")
def help_page(request: Request, caller: Reader) -> Response:
    """All roles, and every word that a page explains."""
    return render_page(
        request,
        "help/help.html",
        caller,
        pages=ROLE_HELP,
        own=choose_role(request, caller, None),
        words=sorted(GLOSSARY.items(), key=lambda item: item[1].title.lower()),
    )


@router.get("/help/{role}")
def role_help_page(role: HomeRole, request: Request, caller: Reader) -> Response:
    """The steps and the words of one role."""
    found = ROLE_HELP[role]
    words = [(key, GLOSSARY[key]) for key in found.words]
    return render_page(request, "help/role.html", caller, role=role, pages=ROLE_HELP, found=found, words=words)

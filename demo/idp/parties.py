"""The two parties: the addresses of one app of the demo IdP, and of the connection that it serves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parties:
    """``idp_url`` and ``sp_url`` are origins without a slash at the end; ``connection`` is a slug of the product.

    ``path`` is that of the app at the IdP: empty for the first one, else `path_of`.
    """

    idp_url: str
    sp_url: str
    connection: str
    path: str = ""

    @property
    def idp_entity_id(self) -> str:
        return f"{self.idp_url}{self.path}/metadata"

    @property
    def sso_url(self) -> str:
        return f"{self.idp_url}{self.path}/sso"

    @property
    def slo_url(self) -> str:
        return f"{self.idp_url}{self.path}/slo"

    @property
    def sp_entity_id(self) -> str:
        return f"{self.sp_url}/sso/{self.connection}/metadata"

    @property
    def acs_url(self) -> str:
        return f"{self.sp_url}/sso/{self.connection}/acs"

    @property
    def logout_url(self) -> str:
        return f"{self.sp_url}/sso/{self.connection}/logout"

    @property
    def login_url(self) -> str:
        return f"{self.sp_url}/sso/{self.connection}/login"


def path_of(connection: str) -> str:
    """Return the path of the app for a connection that somebody made by hand."""
    return f"/apps/{connection}"

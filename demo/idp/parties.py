"""Who speaks with whom: the addresses of the demo IdP and of the one SP that it serves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parties:
    """``idp_url`` and ``sp_url`` are origins without a slash at the end; ``connection`` is a slug of the product."""

    idp_url: str
    sp_url: str
    connection: str

    @property
    def idp_entity_id(self) -> str:
        return f"{self.idp_url}/metadata"

    @property
    def sso_url(self) -> str:
        return f"{self.idp_url}/sso"

    @property
    def slo_url(self) -> str:
        return f"{self.idp_url}/slo"

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

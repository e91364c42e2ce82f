"""R9, R16: what administrators change about a user."""

import pytest

from core_identity.errors import NameTaken
from core_identity.models import User
from core_identity.services.users import change_user, create_user
from tests.support.cast import ADMIN, make_connection

pytestmark = pytest.mark.django_db


def test_an_address_of_two_users_stays_shared_R9() -> None:
    acme = make_connection().customer
    create_user(actor=ADMIN, username="jane", email="desk@acme.test", customer=acme)
    zoe = create_user(actor=ADMIN, username="zoe", email="zoe@acme.test", customer=acme)
    change_user(actor=ADMIN, user_id=zoe.pk, email="desk@acme.test", email_shared=True)
    with pytest.raises(NameTaken):
        change_user(actor=ADMIN, user_id=zoe.pk, email_shared=False)
    assert User.objects.get(pk=zoe.pk).email_shared

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Group(AbstractSCIMGroupMixin):  # type: ignore[misc]  # django-scim2 publishes no types
    name = models.CharField(max_length=150, unique=True)

    class Meta:
        app_label = "stock_scim2"

    def __str__(self) -> str:
        return self.name


class Person(AbstractSCIMUserMixin, AbstractUser):  # type: ignore[misc]
    scim_groups = models.ManyToManyField(Group, related_name="user_set")

    class Meta:
        app_label = "stock_scim2"

    def __str__(self) -> str:
        return self.username


class Token(models.Model):
    """A bearer token, of which the hash is kept."""

    digest = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey(Person, models.CASCADE)
    expires = models.DateTimeField()

    class Meta:
        app_label = "stock_scim2"

    def __str__(self) -> str:
        return self.digest

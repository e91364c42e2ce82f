from django.db import models


class Budget(models.Model):
    """How much of a budget was spent in the minute of the row. `core_identity.budgets` writes it by SQL.

    PostgreSQL does not log this table: a crash may empty it, which does little harm.
    """

    key = models.CharField(max_length=100, primary_key=True)
    minute = models.BigIntegerField()
    spent = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.spent} of {self.key}"

from django.db import models


class LoggedHour(models.Model):
    """How many rows a log got in one finished hour, and how many of them were refused or failed: so that a chart reads no log.

    Counted once, after the hour (`core_identity.services.log_hours`). The rows may be deleted meanwhile; the numbers stay for two weeks.
    """

    log = models.CharField(max_length=20)
    hour = models.DateTimeField(help_text="Its beginning, a full hour of UTC.")
    total = models.PositiveIntegerField()
    bad = models.PositiveIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(name="logged_hour_once", fields=("log", "hour")),)

    def __str__(self) -> str:
        return f"{self.total} of {self.log} in {self.hour:%Y-%m-%d %H}"

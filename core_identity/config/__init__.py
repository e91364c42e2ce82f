"""The composition root: settings, URLs, admin site and the commands that cross the apps. No other package imports it."""

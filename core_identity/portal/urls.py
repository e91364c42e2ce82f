"""The addresses of the customer's own page. The protocol apps have those of their acts, below the same path."""

from django.urls import path

from core_identity.portal import views

urlpatterns = [
    path("set-up", views.overview, name="portal"),
    path("set-up/steps", views.steps, name="portal-steps"),
    path("set-up/finish", views.finish, name="portal-finish"),
    path("set-up/leave", views.leave, name="portal-leave"),
    path("set-up/open/<str:secret>", views.open_link, name="portal-open"),
]

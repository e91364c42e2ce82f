// A page with a message for the IdP: its form sends itself. Without scripts its button does it.
document.querySelector("form.away").submit();

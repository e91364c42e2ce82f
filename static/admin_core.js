// Copy buttons of the setup sheet. Where the browser lends no clipboard (plain http), the text is selected instead.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Selected: press Ctrl+C";
  }
});

// Renew the text of the steps while somebody looks at it, so that ticks turn by themselves. The part with the focus, and the values, stay as they are.
document.addEventListener("DOMContentLoaded", () => {
  const steps = document.querySelector("[data-renew]:not([data-finished])");
  if (!steps) return;
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(steps.dataset.renew, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of fresh.querySelectorAll("[id^=live-]")) {
        const shown = document.getElementById(part.id);
        if (!shown || shown.contains(document.activeElement) || shown.innerHTML === part.innerHTML) continue;
        shown.innerHTML = part.innerHTML;
        const [step, now] = [shown.parentElement, part.parentElement];
        if (!now.matches(".core-step") || step.className === now.className) continue;
        step.className = now.className;
        step.querySelector(".core-step-advice")?.toggleAttribute("open", now.matches(".core-step-next"));
      }
    } catch {
      // The next attempt is in five seconds.
    }
  }, 5000);
});

// The button that prints the page. Without this script it is not there.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("button[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
});

// Django's picker of permissions names a help icon on an element that may have no name.
addEventListener("load", () => {
  for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) icon.setAttribute("role", "img");
});

// An action on many rows works in portions. Without this script the button continues it.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector("form[data-continue]")?.requestSubmit();
});

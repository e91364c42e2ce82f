// Copy buttons of the set-up sheet. Where the browser lends no clipboard, the text is selected instead. The answer is heard too.
document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector("button[data-copy]")) return;
  const heard = document.createElement("p");
  heard.className = "core-heard";
  heard.setAttribute("role", "status");
  document.body.append(heard);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    const name = (field.labels[0] ?? button).textContent.trim();
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.firstChild.data = "Copied";
      heard.textContent = `Copied: ${name}`;
    } catch {
      field.focus();
      button.firstChild.data = "Selected: press Ctrl+C";
      heard.textContent = `Selected: ${name}. Press Control and C.`;
    }
  });
});

// Renew the parts of a page that change by themselves, so that ticks turn and health is current while somebody looks. Every such part has an id that
// begins with "live-". After the last tick it is enough every half minute. Nobody who is inside of a part by the keyboard loses their place.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("[data-renew]");
  if (!place) return;
  const renew = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(place.dataset.renew, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of fresh.querySelectorAll("[id^=live-]")) {
        const shown = document.getElementById(part.id);
        if (!shown || shown.innerHTML === part.innerHTML) continue;
        const held = document.activeElement;
        const around = shown.closest(".core-step") ?? shown;
        const isInside = around.contains(held);
        shown.innerHTML = part.innerHTML;
        const now = part.closest(".core-step");
        if (now && around.className !== now.className) {
          around.className = now.className;
          around.querySelector(".core-step-advice")?.toggleAttribute("open", now.matches(".core-step-next"));
        }
        if (isInside && !(held.isConnected && held.getClientRects().length)) focusAgain(held, around);
      }
    } catch {
      // The next attempt comes soon.
    }
  };
  setInterval(renew, "finished" in place.dataset ? 30000 : 5000);
  document.addEventListener("visibilitychange", renew);
});

// Focus the same link in the renewed part, or the part itself.
function focusAgain(held, around) {
  const same = [...around.querySelectorAll("a")].find((link) => link.href === held.href);
  if (!same) around.tabIndex = -1;
  (same ?? around).focus({ preventScroll: true });
}

// Names below a field of a filter, from all connections, customers or roles. Without this script it is a field to type in.
document.addEventListener("DOMContentLoaded", () => {
  for (const [number, field] of document.querySelectorAll("input[data-suggest]").entries()) {
    const names = document.createElement("datalist");
    names.id = `core-names-${number}`;
    field.after(names);
    field.setAttribute("list", names.id);
    let wanted, later;
    const ask = async () => {
      const text = field.value.trim();
      if (text === wanted) return;
      wanted = text;
      try {
        const answer = await fetch(`${field.dataset.suggest}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
        if (!answer.ok || answer.redirected) return;
        const { found } = await answer.json();
        if (text === wanted) names.replaceChildren(...found.map(({ value, label }) => new Option(label, value)));
      } catch {
        wanted = undefined; // The next letter asks again.
      }
    };
    field.addEventListener("focus", ask);
    field.addEventListener("input", () => {
      clearTimeout(later);
      later = setTimeout(ask, 150);
    });
  }
});

// The button that prints the page. Without this script it is not there.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("button[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
});

// Names for those who hear a page. Django's picker of permissions names a help icon on an element that may have no name, and its fields with a
// search have none. Both are made when the page has loaded, so this comes after them.
addEventListener("load", () => setTimeout(() => {
  for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) icon.setAttribute("role", "img");
  for (const select of document.querySelectorAll("select.admin-autocomplete")) {
    const label = document.querySelector(`label[for="${select.id}"]`);
    const box = select.nextElementSibling?.querySelector(".select2-selection");
    if (!label || !box) continue;
    label.id ||= `${select.id}-label`;
    const chosen = box.querySelector(".select2-selection__rendered");
    box.setAttribute("aria-labelledby", chosen ? `${label.id} ${chosen.id}` : label.id);
    chosen?.setAttribute("aria-labelledby", label.id);
    const name = label.textContent.trim().replace(/:$/, "");
    box.querySelector(".select2-search__field")?.setAttribute("aria-label", `Search: ${name}`); // of a field for several rows
    django.jQuery(select).on("select2:open", () => {
      const around = document.querySelector("body > .select2-container--open");
      const [search, matches] = [around.querySelector(".select2-search__field"), around.querySelector(".select2-results__options")];
      around.setAttribute("role", "region");
      around.setAttribute("aria-label", `Choose: ${name}`);
      search?.setAttribute("aria-label", `Search: ${name}`);
      matches.setAttribute("aria-label", `Matches: ${name}`);
      box.setAttribute("aria-controls", matches.id);
    });
  }
}));

// An action on many rows works in portions. Without this script the button continues it.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector("form[data-continue]")?.requestSubmit();
});

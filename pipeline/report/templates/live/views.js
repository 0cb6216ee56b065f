// Which view is shown, by the address; keys and buttons.

const VIEWS = {
  live: () => present(live.record, live.record.length),
  file: () => present(file.record),
  sessions: listSessions,
  session: openSession,
};

/** View of the address, and the session that it names. */
function readAddress() {
  const [, name, id] = location.hash.split("/");
  if (name === "sessions" && id) return ["session", decodeURIComponent(id)];
  return [name in VIEWS ? name : "live"];
}

async function route() {
  const [view, id] = readAddress();
  player.pause();
  say();
  for (const name of Object.keys(VIEWS)) find(name).hidden = name !== view;
  find("shown").hidden = view === "sessions";
  find("notes").hidden = find("noting").hidden = view !== "session";
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${view === "session" ? "sessions" : view}`)
      link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    await VIEWS[view](id);
  } catch (error) {
    find("shown").hidden = true;
    say(error.message);
  }
}

/** What a key does in a view; keys that are written into fields do nothing. */
const KEYS = {
  live: { m: mark, p: pause, " ": pause },
  file: { " ": play },
  session: { m: markThere, x: excludeThere, " ": play },
};

function play() {
  if (player.hidden) return;
  if (player.paused) player.play();
  else player.pause();
}

addEventListener("keydown", (event) => {
  const act = KEYS[readAddress()[0]]?.[event.key.toLowerCase()];
  const busy =
    event.key === " "
      ? "a, button, input, select, video, dialog"
      : "input:not([type=checkbox]), select, dialog";
  if (!act || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest(busy))
    return;
  event.preventDefault();
  act();
});

find("live").addEventListener("submit", (event) => {
  event.preventDefault();
  if (live.state === "off") start();
});
for (const id of ["file", "session"]) find(id).addEventListener("submit", (event) => event.preventDefault());
find("pause").addEventListener("click", pause);
find("stop").addEventListener("click", stop);
find("mark").addEventListener("click", mark);
find("marking").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" && event.key !== "Escape") return;
  event.preventDefault();
  find("marking").blur();
});
find("marking").addEventListener("blur", finishMark);
for (const [id, shown] of [
  ["live", live],
  ["file", file],
]) {
  find(id)
    .querySelector(".export")
    .addEventListener("click", () =>
      download(`${shown.record.name ?? "live"}.csv`, writeTable(shown.record)),
    );
}
addEventListener("resize", drawTimeline);
addEventListener("hashchange", route);
if (!location.hash) history.replaceState(null, "", "#/live");
enter("off");
route();

// Earlier sessions: listed, opened again, named, marked, excluded, deleted.

const MINUTE_SECONDS = 60; // of faces that are fetched at once

let session = null; // the one that is open
let saving = 0;

async function listSessions() {
  const sessions = await (await ask("sessions")).json();
  find("none").hidden = sessions.length > 0;
  const columns = ["session", "begun", "length", "answers", "head"].map((name, place) =>
    make("th", { textContent: name, className: place ? "" : "text", scope: "col" }),
  );
  const rows = sessions.map((one) =>
    make(
      "tr",
      {},
      make(
        "th",
        { className: "text", scope: "row" },
        make("a", { href: `#/sessions/${one.session}`, textContent: one.title || "untitled" }),
      ),
      ...[writeDate(one.begun), writeTime(one.seconds), one.answers, one.head].map((cell) =>
        make("td", { textContent: cell }),
      ),
    ),
  );
  find("list").replaceChildren(make("thead", {}, make("tr", {}, ...columns)), make("tbody", {}, ...rows));
  find("list").hidden = !sessions.length;
}

/** Fetches who is in the minute of a time, and shows it; sessions of hours hold no more at once. */
async function fetchFaces(record, time) {
  const begin = MINUTE_SECONDS * Math.floor(time / MINUTE_SECONDS);
  if (record.minute === begin) return;
  record.minute = begin;
  const [from, to] = [Math.max(begin - FRESH_SECONDS, 0), begin + MINUTE_SECONDS];
  try {
    const told = await ask(`${addressOf(record.session)}/faces?begin=${from}&end=${to}`);
    const faces = await told.json();
    if (record.minute !== begin) return;
    record.faces = faces;
    if (record === stage.record) drawBoxes(record, stage.time);
  } catch (error) {
    say(error.message);
  }
}

const addressOf = (id) => `sessions/${encodeURIComponent(id)}`;

async function openSession(id) {
  const told = await (await ask(addressOf(id))).json();
  const kind = told.recording ? "film" : "none";
  const source = new URL(`${addressOf(id)}/recording`, location.href).href;
  session = newRecord(told.head, {
    ...told,
    fetchFaces,
    length: Math.max(told.seconds, told.answers.at(-1)?.seconds ?? 0),
    medium: { kind, source, begins: told.recording_begins },
    noted: true,
    facts: [told.head.head, writeDate(told.begun), writeTime(told.seconds)],
    empty: "No film was kept of this session.",
  });
  find("title").value = told.title;
  find("table").href = `${addressOf(id)}/answers.csv`;
  find("saved").textContent = "";
  present(session);
  listNotes();
}

/** Sends all notes, once no more come for a moment. */
function save() {
  const { title, people, merged, marks, excluded } = session;
  const address = `${addressOf(session.session)}/notes`;
  const body = JSON.stringify({ title, people, merged, marks, excluded });
  find("saved").textContent = "saving …";
  clearTimeout(saving);
  saving = setTimeout(async () => {
    try {
      await ask(address, { method: "PUT", headers: { "Content-Type": "application/json" }, body });
      find("saved").textContent = "saved";
    } catch (error) {
      find("saved").textContent = "not saved";
      say(error.message);
    }
  }, 400);
}

/** Takes a change of the notes: saved, and seen everywhere. */
function note() {
  refresh();
  listNotes();
  save();
}

const bySeconds = (one, other) => (one.seconds ?? one[0]) - (other.seconds ?? other[0]);

/** Marks the chosen stretch, or this moment. */
function markThere() {
  const [seconds, until] = stage.picked ?? [stage.time, null];
  const marked = { seconds, until, text: "" };
  session.marks = [...session.marks, marked].sort(bySeconds);
  stage.picked = null;
  note();
  find("marks").children[session.marks.indexOf(marked)].querySelector("input").focus();
}

/** Excludes the chosen stretch, joined with those that it touches. */
function excludeThere() {
  if (!stage.picked)
    return say("Choose a stretch first: drag over the time, or hold Shift with the arrow keys.");
  const joined = [];
  for (const [begin, end] of [...session.excluded, stage.picked].sort(bySeconds)) {
    const last = joined.at(-1);
    if (last && begin <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([begin, end]);
  }
  session.excluded = joined;
  stage.picked = null;
  note();
}

function listNotes() {
  find("marks").replaceChildren(...session.marks.map(listMark));
  find("excluded").replaceChildren(...session.excluded.map(listExcluded));
  find("people").replaceChildren(...listPeople(session).map(listPerson));
}

const writeSpan = (begin, end) => writeTime(begin, 1) + (end > begin ? `–${writeTime(end, 1)}` : "");
const goTo = (begin, end) =>
  make("button", {
    type: "button",
    className: "time",
    textContent: writeSpan(begin, end),
    ariaLabel: `go to ${writeSpan(begin, end)}`,
    onclick: () => seek(begin),
  });

/** A button that removes what its entry is of; the entry is then gone, so the timeline is at hand. */
function remove(what, act) {
  const onclick = () => {
    act();
    over.focus({ preventScroll: true });
  };
  return make("button", {
    type: "button",
    className: "remove",
    textContent: "×",
    ariaLabel: `remove ${what}`,
    onclick,
  });
}

function listMark(mark) {
  const when = writeTime(mark.seconds, 1);
  const text = make("input", {
    value: mark.text,
    placeholder: "what happens?",
    maxLength: 200,
    ariaLabel: `mark at ${when}`,
  });
  text.oninput = () => {
    mark.text = text.value;
    save();
  };
  return make(
    "li",
    {},
    goTo(mark.seconds, endOf(mark)),
    text,
    remove(`mark at ${when}`, () => {
      session.marks = session.marks.filter((other) => other !== mark);
      note();
    }),
  );
}

function listExcluded(stretched) {
  const [begin, end] = stretched;
  return make(
    "li",
    {},
    goTo(begin, end),
    remove(`exclusion ${writeSpan(begin, end)}`, () => {
      session.excluded = session.excluded.filter((other) => other !== stretched);
      note();
    }),
  );
}

function listPerson(person) {
  const name = make("input", {
    value: session.people[person] ?? "",
    placeholder: `person ${person}`,
    maxLength: 100,
    ariaLabel: `name of person ${person}`,
    disabled: person in session.merged,
  });
  name.onchange = () => {
    session.people[person] = name.value.trim();
    if (!session.people[person]) delete session.people[person];
    for (const option of find("people").querySelectorAll(`option[value="${person}"]`))
      option.textContent = `is ${namePerson(session, person)}`;
    refresh();
    save();
  };
  const others = listPeople(session).filter((other) => other !== person && !(other in session.merged));
  const same = make(
    "select",
    { ariaLabel: `person ${person} is the same as` },
    new Option("not merged", ""),
    ...others.map((other) => new Option(`is ${namePerson(session, other)}`, other)),
  );
  same.value = session.merged[person] ?? "";
  same.onchange = () => {
    mergePeople(person, same.value);
    find("people").querySelector(`[aria-label="${same.ariaLabel}"]`).focus();
  };
  const entry = make("li", {}, name, same);
  entry.style.setProperty("--own", colour(findPerson(session, person)));
  return entry;
}

/** Makes a track the same person as another, with all that were the same as it; itself again where that is "". */
function mergePeople(person, other) {
  delete session.merged[person];
  if (other !== "") {
    for (const track of Object.keys(session.merged))
      if (session.merged[track] === person) session.merged[track] = Number(other);
    session.merged[person] = Number(other);
  }
  note();
}

function askToDelete() {
  const sure = find("sure");
  sure.returnValue = "no";
  sure.showModal();
  sure.onclose = async () => {
    if (sure.returnValue !== "yes") return;
    clearTimeout(saving);
    await ask(addressOf(session.session), { method: "DELETE" }).then(
      () => (location.hash = "#/sessions"),
      (error) => say(error.message),
    );
  };
}

find("title").addEventListener("input", ({ target }) => {
  session.title = target.value;
  save();
});
find("mark-there").addEventListener("click", markThere);
find("exclude-there").addEventListener("click", excludeThere);
find("delete").addEventListener("click", askToDelete);

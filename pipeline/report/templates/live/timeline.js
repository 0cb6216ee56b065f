// The timeline: lanes of a record, a time that can be gone to, a stretch that can be chosen.

const LIVE_SECONDS = 60; // of a stream are seen at once
const MOST_PEOPLE = 6; // who have a lane
const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

const over = find("over");

/** What the timeline shows: the last minute of a stream that goes on, else all. */
function spanTime({ going, length }) {
  return going
    ? [Math.max(0, length - LIVE_SECONDS), Math.max(LIVE_SECONDS, length)]
    : [0, length || LIVE_SECONDS];
}

function drawTimeline() {
  const { record } = stage;
  const span = spanTime(record);
  find("lanes").replaceChildren(...listLanes(record, span));
  const ticks = listTicks(span, over.clientWidth < 500 ? 5 : 11).map((tick) => {
    const label = make("span", { textContent: writeTime(tick, Number.isInteger(tick) ? 0 : 1) });
    const share = layOut(span)(tick) / 10;
    Object.assign(label.style, {
      left: `${share}%`,
      transform: `translateX(-${share > 97 ? 100 : share && 50}%)`,
    });
    return label;
  });
  find("ticks").replaceChildren(...ticks);
  over.setAttribute("aria-valuemax", record.length.toFixed(2));
  over.setAttribute("aria-disabled", record.going || !record.answers.length);
  drawPicked();
}

const listLanes = (...of) => [...listPlots(...of), ...listPresences(...of), ...listNoted(...of)];

/** The river and the curves of what a head says of emotions and ratings, greyed where excluded. */
function listPlots(record, span) {
  const { emotions, ratings } = record.head;
  const grey = () => drawStretches(record.excluded, span, { fill: "var(--paper)", "fill-opacity": 0.75 });
  const lanes = [];
  if (emotions.length) lanes.push(layLane("emotions", 150, [...drawRiver(record, span), ...grey()], [1, 0]));
  if (ratings.length) {
    const [low, high] = spanRatings(ratings);
    lanes.push(layLane("ratings", 100, [...drawCurves(record, span), ...grey()], [high, low]));
  }
  return lanes;
}

/** When each modality was there, and those people who were in front most. */
function listPresences(record, span) {
  const lay = (name, fill, is) => layLane(name, 10, drawSpans(record, span, fill, is));
  const isOf = (answer, person) => answer.person !== null && findPerson(record, answer.person) === person;
  const tracks = listPeople({ ...record, tracks: [] });
  const people = [...new Set(tracks.map((track) => findPerson(record, track)))].slice(0, MOST_PEOPLE);
  return [
    ...record.head.modalities.map((name) =>
      lay(name, `var(--${name})`, (answer) => answer.modalities.includes(name)),
    ),
    ...people.map((person) =>
      lay(namePerson(record, person), colour(person), (answer) => isOf(answer, person)),
    ),
  ];
}

/** What people marked and excluded, if anything. */
function listNoted({ marks, excluded }, span) {
  const stretches = marks.map((mark) => [mark.seconds, endOf(mark)]);
  const lanes = [];
  if (marks.length) lanes.push(layLane("marks", 14, drawStretches(stretches, span, { fill: "var(--ink)" })));
  if (excluded.length)
    lanes.push(layLane("excluded", 10, drawStretches(excluded, span, { fill: "var(--against)" })));
  return lanes;
}

/** A lane; `ends` are the values of its upper and lower edge, where it has a scale. */
function layLane(name, high, drawn, ends) {
  const label = ends
    ? [ends[0], name, ends[1]].map((text) => make("i", { textContent: String(text).replace("-", "−") }))
    : [name];
  const lane = make(
    "div",
    { className: "lane" },
    make("span", { className: ends ? "what scaled" : "what" }, ...label),
    stretch(...drawn),
  );
  lane.style.setProperty("--high", `${high}px`);
  return lane;
}

/** Shows where the stretch is that a person has chosen, and what can be done with it. */
function drawPicked() {
  const { picked, record } = stage;
  find("picked").hidden = !picked;
  find("exclude-there").disabled = !picked;
  find("stretch").textContent = picked ? `${writeTime(picked[0], 1)} to ${writeTime(picked[1], 1)}` : "";
  if (!picked) return;
  find("picked").style.setProperty("--begin", picked[0] / record.length);
  find("picked").style.setProperty("--share", (picked[1] - picked[0]) / record.length);
}

/** Chooses the stretch between two times; none where they are the same. */
function pick(one, other) {
  const ends = [one, other].map((time) => clamp(time, 0, stage.record.length)).sort((a, b) => a - b);
  stage.picked = ends[1] > ends[0] ? ends : null;
  drawPicked();
}

/** Time of a place on the screen. */
function readTime(event) {
  const box = find("ticks").getBoundingClientRect();
  return clamp((event.clientX - box.left) / box.width, 0, 1) * stage.record.length;
}

over.addEventListener("pointerdown", (event) => {
  if (stage.record.going || event.button) return;
  const begin = readTime(event);
  pick(begin, begin);
  seek(begin);
  over.setPointerCapture(event.pointerId);
  over.onpointermove = (move) => (stage.record.noted ? pick(begin, readTime(move)) : seek(readTime(move)));
});
for (const end of ["pointerup", "pointercancel"])
  over.addEventListener(end, () => (over.onpointermove = null));

over.addEventListener("keydown", (event) => {
  if (stage.record.going) return;
  const { length, noted } = stage.record;
  const step = STEPS[event.key];
  const target =
    { Home: 0, End: length }[event.key] ?? (step && stage.time + step * Math.max(length / 100, 0.04));
  if (target === undefined) return;
  event.preventDefault();
  const anchor = stage.picked ? stage.picked.find((edge) => Math.abs(edge - stage.time) > 1e-6) : stage.time;
  seek(target);
  if (event.shiftKey && noted) pick(anchor, stage.time);
  else pick(0, 0);
});

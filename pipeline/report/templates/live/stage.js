// The stage: one record, as it is seen at one time.

const LIVE_SECONDS = 60; // of a stream are seen at once
const FRESH_SECONDS = 1; // a box older than this is no longer where the face is
const SPOKEN_SECONDS = 5; // from one emotion that is spoken to the next
const AGAIN_MILLISECONDS = 1500; // until a film without a length is loaded again
const MOST_LOADS = 10; // after which it is played as it is

const stage = { record: newRecord(served), time: 0, picked: null, sought: 0, spoken: { text: "", at: -Infinity } };
const player = find("player"), over = find("over");

/** Whether valence and arousal are among a head's ratings; the others have bars. */
const hasPlane = (head) => ["valence", "arousal"].every((name) => head.ratings.includes(name));
const listBarred = (head) => head.ratings.filter((name) => !hasPlane(head) || !["valence", "arousal"].includes(name));

/** What can be done with a record's timeline. */
function writeLead({ going, noted }) {
  if (going) return "The last minute. Gaps are times at which nothing was there to go by.";
  if (noted) return "A click goes to a time, dragging chooses a stretch. M marks, X excludes, Space plays.";
  return "Click, or use the arrow keys, to go to a time. Gaps are times at which nothing was there to go by.";
}

/** Brings a record to the stage, at a time. */
function present(record, time = 0) {
  Object.assign(stage, { record, picked: null });
  showMedium(record.medium ?? { kind: "none" }, record.empty ?? "");
  layBars("shares", record.head.emotions, (name) => colour(record.head.emotions.indexOf(name)));
  layBars("ratings", listBarred(record.head), (name) => colour(record.head.ratings.indexOf(name)));
  layPlane(record.head);
  find("lead").textContent = writeLead(record);
  find("boxes").replaceChildren();
  refresh(time);
}

/** Shows the camera, a film, a sound or a picture, or in place of them a sentence. */
function showMedium({ kind, source = "" }, empty) {
  find("film").dataset.kind = kind;
  find("camera").hidden = kind !== "camera";
  player.hidden = kind !== "film" && kind !== "sound";
  find("picture").hidden = kind !== "picture";
  if (player.hidden) player.removeAttribute("src");
  else if (player.src !== source) player.src = source;
  if (kind === "picture") find("picture").src = source;
  find("empty").textContent = kind === "none" || kind === "sound" ? empty : "";
}

function layBars(id, names, paint) {
  const bars = names.map((name) => {
    const bar = make("li", {}, make("span", { className: "name", textContent: name, title: name }), make("span", { className: "bar" }, make("i")), make("span", { className: "value" }));
    bar.style.setProperty("--own", paint(name));
    return bar;
  });
  find(id).replaceChildren(...bars);
}

function layPlane(head) {
  find("plane").hidden = !hasPlane(head);
  const values = ["valence", "arousal"].flatMap((name) => [make("dt", { textContent: name }), make("dd", { id: name })]);
  values.forEach((item, place) => place % 2 || item.style.setProperty("--own", colour(head.ratings.indexOf(item.textContent))));
  find("plane").replaceChildren(drawPlane(), make("dl", {}, ...values));
}

/** Draws all of the record anew, after it has changed. */
function refresh(time = stage.time) {
  drawTimeline();
  show(time);
}

/** Shows what is known of a time. */
function show(time) {
  const { record } = stage;
  stage.time = clamp(time, 0, record.length);
  const answer = findAnswer(record, stage.time);
  showShares(record, answer);
  showRatings(record.head, answer);
  if (hasPlane(record.head)) movePoint(record, stage.time);
  drawBoxes(record, stage.time);
  showFacts(record, answer);
  showTime(record, answer);
  if (record.going || !player.paused) speak(answer);
}

function showShares({ head }, answer) {
  head.emotions.forEach((name, place) => {
    const value = answer?.emotions[name] ?? null;
    const bar = find("shares").children[place];
    bar.querySelector("i").style.width = `${100 * (value ?? 0)}%`;
    bar.querySelector(".value").textContent = write(value);
    bar.classList.toggle("first", value !== null && name === answer.dominant_emotion);
  });
}

function showRatings(head, answer) {
  listBarred(head).forEach((name, place) => {
    const [low, high] = bounds[name] ?? [0, 1];
    const value = answer?.ratings[name] ?? null;
    const [begin, end] = [Math.min(0, value), Math.max(0, value)].map((edge) => (100 * (clamp(edge, low, high) - low)) / (high - low));
    const bar = find("ratings").children[place];
    Object.assign(bar.querySelector("i").style, { marginLeft: `${begin}%`, width: `${end - begin}%` });
    bar.querySelector(".value").textContent = write(value);
  });
  for (const name of ["valence", "arousal"]) if (hasPlane(head)) find(name).textContent = write(answer?.ratings[name] ?? null);
}

/** Boxes of the last frame that was judged before a time, each in its element for as long as it is seen. */
function drawBoxes(record, time) {
  const frame = record.faces[findPlace(record.faces, time)];
  const people = frame && time - frame.seconds < FRESH_SECONDS ? frame.people : [];
  const boxes = find("boxes");
  for (const box of [...boxes.children]) if (!people.some(({ person }) => box.dataset.person === String(person))) box.remove();
  for (const { person, box: [left, top, right, bottom], chosen } of people) {
    let box = [...boxes.children].find((child) => child.dataset.person === String(person));
    if (!box) boxes.append((box = make("div", {}, make("span"))));
    box.dataset.person = person;
    box.classList.toggle("chosen", chosen);
    box.firstChild.textContent = namePerson(record, person);
    const begin = find("film").dataset.kind === "camera" ? 1 - right : left; // the camera is seen as in a mirror
    const place = { left: begin, top, width: right - left, height: bottom - top };
    for (const [side, share] of Object.entries(place)) box.style[side] = `${100 * share}%`;
  }
}

/** Which modalities an answer goes by, and what else is to be said of the record. */
function showFacts({ head, facts = [], answers }, answer) {
  const tags = head.modalities.map((modality) => {
    const there = answer?.modalities.includes(modality);
    return make("span", { className: `tag ${modality}${there ? "" : " absent"}`, textContent: there ? modality : `no ${modality}` });
  });
  find("facts").replaceChildren(...(answers.length ? tags : []), ...facts.map((fact) => make("span", { textContent: fact })));
}

function showTime(record, answer) {
  const known = answer && answer.modalities.length;
  const greatest = answer?.dominant_emotion ? `${answer.dominant_emotion} ${writePercent(answer.confidence)}` : "";
  const remark = isExcluded(record, stage.time) ? "excluded" : known || !record.answers.length ? "" : "nothing to go by";
  find("when").textContent = record.answers.length ? [writeTime(stage.time, 1), remark].filter(Boolean).join(" · ") : "";
  const [begin, end] = spanTime(record);
  find("cursor").hidden = record.going || !record.answers.length;
  find("cursor").style.setProperty("--share", (stage.time - begin) / (end - begin));
  over.setAttribute("aria-valuenow", stage.time.toFixed(2));
  over.setAttribute("aria-valuetext", [writeTime(stage.time, 1), greatest || remark].filter(Boolean).join(", "));
}

/** Has a screen reader say the greatest emotion, where it is another and some time has passed. */
function speak(answer) {
  const text = answer?.dominant_emotion ?? "";
  if (!text || text === stage.spoken.text || performance.now() / 1000 - stage.spoken.at < SPOKEN_SECONDS) return;
  stage.spoken = { text, at: performance.now() / 1000 };
  find("spoken").textContent = `${text}, ${writePercent(answer.confidence)}`;
}

/** What the timeline shows: the last minute of a stream that goes on, else all. */
function spanTime({ going, length }) {
  return going ? [Math.max(0, length - LIVE_SECONDS), Math.max(LIVE_SECONDS, length)] : [0, length || LIVE_SECONDS];
}

function drawTimeline() {
  const { record } = stage;
  const span = spanTime(record);
  find("lanes").replaceChildren(...listLanes(record, span));
  const ticks = listTicks(span, over.clientWidth < 500 ? 5 : 11).map((tick) => {
    const label = make("span", { textContent: writeTime(tick, Number.isInteger(tick) ? 0 : 1) });
    const share = layOut(span)(tick) / 10;
    Object.assign(label.style, { left: `${share}%`, transform: `translateX(-${share > 97 ? 100 : share && 50}%)` });
    return label;
  });
  find("ticks").replaceChildren(...ticks);
  over.setAttribute("aria-valuemax", record.length.toFixed(2));
  over.setAttribute("aria-disabled", record.going || !record.answers.length);
  drawPicked();
}

function listLanes(record, span) {
  const { head } = record;
  const grey = () => drawStretches(record.excluded, span, { fill: "var(--paper)", "fill-opacity": 0.75 });
  const people = [...new Set(listPeople({ ...record, faces: [] }).map((person) => findPerson(record, person)))].slice(0, 6);
  return [
    head.emotions.length && layLane("emotions", 150, [...drawRiver(record, span), ...grey()], [1, 0]),
    head.ratings.length && layLane("ratings", 100, [...drawCurves(record, span), ...grey()], spanRatings(head.ratings).reverse()),
    ...head.modalities.map((name) => layLane(name, 10, drawSpans(record, span, `var(--${name})`, (answer) => answer.modalities.includes(name)))),
    ...people.map((person) => layLane(namePerson(record, person), 10, drawSpans(record, span, colour(person), (answer) => answer.person !== null && findPerson(record, answer.person) === person))),
    record.marks.length && layLane("marks", 14, drawStretches(record.marks.map((mark) => [mark.seconds, endOf(mark)]), span, { fill: "var(--ink)" })),
    record.excluded.length && layLane("excluded", 10, drawStretches(record.excluded, span, { fill: "var(--against)" })),
  ].filter(Boolean);
}

/** A lane; `ends` are the values of its upper and lower edge, where it has a scale. */
function layLane(name, high, drawn, ends) {
  const label = ends ? [ends[0], name, ends[1]].map((text) => make("i", { textContent: String(text).replace("-", "−") })) : [name];
  const lane = make("div", { className: "lane" }, make("span", { className: ends ? "what scaled" : "what" }, ...label), stretch(...drawn));
  lane.style.setProperty("--high", `${high}px`);
  return lane;
}

/** When a film begins, in seconds of its record. */
const beginOf = ({ medium }) => medium?.begins ?? 0;

/** Goes to a time, in the film as well. */
function seek(time) {
  stage.sought = Math.max(time - beginOf(stage.record), 0);
  if (!player.hidden) player.currentTime = stage.sought;
  show(time);
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
for (const end of ["pointerup", "pointercancel"]) over.addEventListener(end, () => (over.onpointermove = null));

over.addEventListener("keydown", (event) => {
  if (stage.record.going) return;
  const { length, noted } = stage.record;
  const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
  const target = { Home: 0, End: length }[event.key] ?? (step && stage.time + step * Math.max(length / 100, 0.04));
  if (target === undefined) return;
  event.preventDefault();
  const anchor = stage.picked ? stage.picked.find((edge) => Math.abs(edge - stage.time) > 1e-6) : stage.time;
  seek(target);
  if (event.shiftKey && noted) pick(anchor, stage.time);
  else pick(0, 0);
});

/** Loads the film of a session that has just ended: the service is making it one that can be sought. */
function loadAgain(record) {
  if (record !== stage.record || !record.noted || !player.paused || record.loads >= MOST_LOADS) return;
  record.loads = (record.loads ?? 0) + 1;
  const time = stage.time;
  player.src = `${record.medium.source}?${Date.now()}`; // another address, lest the browser has it already
  player.addEventListener("loadedmetadata", () => seek(time), { once: true });
}

/** Shows the film's time, for as long as it plays. */
function follow() {
  if (player.hidden) return;
  show(player.currentTime + beginOf(stage.record));
  if (!player.paused) requestAnimationFrame(follow);
}
player.addEventListener("play", follow);
player.addEventListener("seeked", () => player.paused && Math.abs(player.currentTime - stage.sought) > 0.01 && follow());
player.addEventListener("loadedmetadata", () => player.duration === Infinity && setTimeout(loadAgain, AGAIN_MILLISECONDS, stage.record));
player.addEventListener("error", () => player.hidden || say("This browser does not play the file; its answers stand without it."));

/** Gives the stage the shape of what is on it. */
const shape = (width, height) => width && height && find("film").style.setProperty("--ratio", width / height);
for (const video of [player, find("camera")]) video.addEventListener("resize", () => shape(video.videoWidth, video.videoHeight));
find("picture").addEventListener("load", ({ target }) => shape(target.naturalWidth, target.naturalHeight));

// The stage: one record, as it is seen at one time.

const FRESH_SECONDS = 1; // a box older than this is no longer where the face is
const SPOKEN_SECONDS = 5; // from one emotion that is spoken to the next

const stage = {
  record: newRecord(served),
  time: 0,
  picked: null,
  sought: 0,
  spoken: { text: "", at: -Infinity },
};

/** Whether valence and arousal are among a head's ratings; the others have bars. */
const hasPlane = (head) => ["valence", "arousal"].every((name) => head.ratings.includes(name));
const listBarred = (head) =>
  head.ratings.filter((name) => !hasPlane(head) || !["valence", "arousal"].includes(name));

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

function layBars(id, names, paint) {
  const bars = names.map((name) => {
    const bar = make(
      "li",
      {},
      make("span", { className: "name", textContent: name, title: name }),
      make("span", { className: "bar" }, make("i")),
      make("span", { className: "value" }),
    );
    bar.style.setProperty("--own", paint(name));
    return bar;
  });
  find(id).replaceChildren(...bars);
}

function layPlane(head) {
  find("plane").hidden = !hasPlane(head);
  const values = ["valence", "arousal"].flatMap((name) => [
    make("dt", { textContent: name }),
    make("dd", { id: name }),
  ]);
  values.forEach(
    (item, place) =>
      place % 2 || item.style.setProperty("--own", colour(head.ratings.indexOf(item.textContent))),
  );
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
    const [begin, end] = [Math.min(0, value), Math.max(0, value)].map(
      (edge) => (100 * (clamp(edge, low, high) - low)) / (high - low),
    );
    const bar = find("ratings").children[place];
    Object.assign(bar.querySelector("i").style, { marginLeft: `${begin}%`, width: `${end - begin}%` });
    bar.querySelector(".value").textContent = write(value);
  });
  for (const name of ["valence", "arousal"])
    if (hasPlane(head)) find(name).textContent = write(answer?.ratings[name] ?? null);
}

/** Boxes of the last frame that was judged before a time, each in its element for as long as it is seen. */
function drawBoxes(record, time) {
  record.fetchFaces?.(record, time);
  const frame = record.faces[findPlace(record.faces, time)];
  const people = frame && time - frame.seconds < FRESH_SECONDS ? frame.people : [];
  const boxes = find("boxes");
  for (const box of [...boxes.children])
    if (!people.some(({ person }) => box.dataset.person === String(person))) box.remove();
  for (const {
    person,
    box: [left, top, right, bottom],
    chosen,
  } of people) {
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
    return make("span", {
      className: `tag ${modality}${there ? "" : " absent"}`,
      textContent: there ? modality : `no ${modality}`,
    });
  });
  find("facts").replaceChildren(
    ...(answers.length ? tags : []),
    ...facts.map((fact) => make("span", { textContent: fact })),
  );
}

function showTime(record, answer) {
  const known = answer && answer.modalities.length;
  const greatest = answer?.dominant_emotion
    ? `${answer.dominant_emotion} ${writePercent(answer.confidence)}`
    : "";
  const remark = isExcluded(record, stage.time)
    ? "excluded"
    : known || !record.answers.length
      ? ""
      : "nothing to go by";
  find("when").textContent = record.answers.length
    ? [writeTime(stage.time, 1), remark].filter(Boolean).join(" · ")
    : "";
  const [begin, end] = spanTime(record);
  find("cursor").hidden = record.going || !record.answers.length;
  find("cursor").style.setProperty("--share", (stage.time - begin) / (end - begin));
  over.setAttribute("aria-valuenow", stage.time.toFixed(2));
  over.setAttribute(
    "aria-valuetext",
    [writeTime(stage.time, 1), greatest || remark].filter(Boolean).join(", "),
  );
}

/** Has a screen reader say the greatest emotion, where it is another and some time has passed. */
function speak(answer) {
  const text = answer?.dominant_emotion ?? "";
  if (!text || text === stage.spoken.text || performance.now() / 1000 - stage.spoken.at < SPOKEN_SECONDS)
    return;
  stage.spoken = { text, at: performance.now() / 1000 };
  find("spoken").textContent = `${text}, ${writePercent(answer.confidence)}`;
}

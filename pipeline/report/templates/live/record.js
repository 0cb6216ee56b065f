// A record: answers over time, of a stream that goes on, of a film, or of an earlier session.

/** An empty record of a head; `step` is how many seconds an answer stands for. */
function newRecord(head, given = {}) {
  const empty = { answers: [], faces: [], tracks: [], marks: [], excluded: [], people: {}, merged: {} };
  return { head, step: head.hop_seconds, length: 0, going: false, ...empty, ...given };
}

/** Place of the last of `items`, sorted by seconds, that is not after a time; −1 before the first. */
function findPlace(items, time) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].seconds <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The answer for a time; undefined in a gap. */
function findAnswer(record, time) {
  const place = findPlace(record.answers, time);
  const near = record.answers.slice(Math.max(place, 0), place + 2);
  near.sort((one, other) => Math.abs(one.seconds - time) - Math.abs(other.seconds - time));
  return near.find((answer) => Math.abs(answer.seconds - time) <= 1.5 * record.step);
}

/** Which person a track is, and their name. */
const findPerson = (record, person) => record.merged[person] ?? person;
const namePerson = (record, person) =>
  record.people[findPerson(record, person)] || `person ${findPerson(record, person)}`;

/** Tracks of all who were seen, those that were seen most first. */
function listPeople(record) {
  const counts = new Map(record.tracks);
  for (const { person } of record.answers) if (person !== null) counts.set(person, (counts.get(person) ?? 0) + 1);
  return [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
}

const isExcluded = (record, time) => record.excluded.some(([begin, end]) => begin <= time && time < end);
const endOf = (mark) => mark.until ?? mark.seconds;

/** Texts of the marks that an answer is the first after, or amid. */
function listMarks(record, time) {
  const there = record.marks.filter((mark) => mark.seconds <= time && time < endOf(mark) + record.step);
  return there.map((mark) => mark.text || "mark");
}

/** A text of people as a cell, which no spreadsheet computes (OWASP, CSV injection). */
const quieten = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
const quoteCell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** All answers as CSV, with what was excluded and marked. */
function writeTable(record) {
  const { emotions, ratings } = record.head;
  const columns = [
    "seconds",
    "person",
    ...emotions,
    "dominant_emotion",
    "confidence",
    ...ratings,
    "modalities",
    "excluded",
    "mark",
  ];
  const rows = record.answers.map((answer) => [
    answer.seconds.toFixed(3),
    answer.person,
    ...emotions.map((name) => answer.emotions[name]),
    answer.dominant_emotion,
    answer.confidence,
    ...ratings.map((name) => answer.ratings[name]),
    answer.modalities.join("+"),
    isExcluded(record, answer.seconds),
    listMarks(record, answer.seconds).join("; "),
  ]);
  return [columns, ...rows]
    .map((row) => row.map((cell) => quoteCell(typeof cell === "string" ? quieten(cell) : String(cell ?? ""))).join(",") + "\n")
    .join("");
}

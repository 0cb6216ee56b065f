// A file: sent to the service, played from where it lies.

const file = { record: newRecord(served, { empty: "No file yet." }), cancelling: null };

/** An answer from a row of the service's table. */
function readRow(row) {
  const pickFrom = (names) => Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
  const { seconds, person, dominant_emotion, confidence, modalities } = row;
  return {
    ...{ seconds, person, dominant_emotion, confidence },
    emotions: pickFrom(served.emotions),
    ratings: pickFrom(served.ratings),
    modalities: modalities ? modalities.split("+") : [],
  };
}

/** What a head says of all of the file. */
function writeWhole(whole) {
  const ratings = served.ratings
    .filter((name) => whole[name] != null)
    .map((name) => `${name} ${write(whole[name])}`);
  const greatest = whole.dominant_emotion
    ? [`${whole.dominant_emotion} ${writePercent(whole.confidence)}`]
    : [];
  const found = [...greatest, ...ratings].join(", ");
  return found && `all in all ${found}`;
}

/** Median of the seconds from one answer to the next; 1 for a single one. */
function findStep(answers) {
  const steps = answers.slice(1).map((answer, place) => answer.seconds - answers[place].seconds);
  return steps.sort((one, other) => one - other)[steps.length >> 1] ?? 1;
}

/** A record of the service's answer about a file. */
function readFilm(chosen, { media, seconds, remarks, whole, rows }) {
  const answers = rows.map(readRow);
  const kind = { video: "film", audio: "sound", image: "picture" }[chosen.type.split("/")[0]] ?? "film";
  return newRecord(served, {
    answers,
    step: findStep(answers),
    length: Math.max(seconds ?? 0, answers.at(-1)?.seconds ?? 0),
    medium: { kind, source: URL.createObjectURL(chosen) },
    empty: media,
    name: media,
    facts: [media, writeWhole(whole), ...remarks].filter(Boolean),
  });
}

async function predict(chosen) {
  file.cancelling?.abort();
  say();
  if (chosen.size > served.megabytes * 1e6)
    return say(
      `${chosen.name} has ${Math.ceil(chosen.size / 1e6)} MB, and this service takes ${served.megabytes}.`,
    );
  const body = new FormData();
  body.append("file", chosen);
  const choices = ["hop", "smooth"].filter((id) => find(id).value).map((id) => [id, find(id).value]);
  const cancelling = (file.cancelling = new AbortController());
  await telling(chosen.name, async () => {
    const response = await ask(`predict?${new URLSearchParams(choices)}`, {
      method: "POST",
      body,
      signal: cancelling.signal,
    });
    if (file.record.medium) URL.revokeObjectURL(file.record.medium.source);
    file.record = readFilm(chosen, await response.json());
    if (location.hash === "#/file") present(file.record);
  });
}

/** Tells how long `work` has taken as it goes on, and of its failure. */
async function telling(name, work) {
  const begun = Date.now();
  const tellProgress = () =>
    (find("progress").textContent = `${name}: ${writeTime((Date.now() - begun) / 1000)}`);
  const ticking = setInterval(tellProgress, 1000);
  find("cancel").hidden = false;
  find("progress").textContent = `${name} …`;
  try {
    await work();
    find("progress").textContent = "";
  } catch (error) {
    find("progress").textContent = "";
    if (error.name !== "AbortError") say(error.message);
  } finally {
    clearInterval(ticking);
    find("cancel").hidden = true;
    find("file").querySelector(".export").hidden = !file.record.answers.length;
  }
}

find("chosen").addEventListener("change", ({ target }) => target.files.length && predict(target.files[0]));
find("cancel").addEventListener("click", () => file.cancelling.abort());
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault(); // or the browser leaves the page to show the file
    if (kind === "dragover" || !event.dataTransfer.files.length) return;
    location.hash = "#/file";
    predict(event.dataTransfer.files[0]);
  });
}

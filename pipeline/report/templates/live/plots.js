// Drawings of a record between two times: a river of shares, curves of ratings, lanes of what was there.

const MOST_COLUMNS = 1200; // as many as a wide screen shows
const MOST_STEPS = 2.5; // from one answer to the next: a service that is busy leaves out one now and then

/** Runs of [seconds, value] without a gap; `read` tells an answer's value, or null. */
function listRuns(record, [begin, end], read) {
  const [first, last] = [begin, end].map((time) => findPlace(record.answers, time));
  const stride = Math.ceil((last - first + 2) / MOST_COLUMNS);
  const runs = [];
  let before = -Infinity;
  for (
    let place = Math.max(first, 0);
    place <= Math.min(last + 1, record.answers.length - 1);
    place += stride
  ) {
    const { seconds } = record.answers[place];
    const value = read(record.answers[place]);
    if (value === null) before = -Infinity;
    else {
      if (seconds - before > MOST_STEPS * stride * record.step) runs.push([]);
      runs.at(-1).push([seconds, value]);
      before = seconds;
    }
  }
  return runs;
}

/** A run that reaches half a step beyond both of its ends, so that a single answer is seen as well. */
function widen(run, step) {
  const [first, last] = [run[0], run.at(-1)];
  return [[first[0] - step / 2, first[1]], ...run, [last[0] + step / 2, last[1]]];
}

const layOut =
  ([begin, end]) =>
  (seconds) =>
    (1000 * (seconds - begin)) / (end - begin);
const writePoints = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");

/** Shares of an answer, added up from 0 to 1; null in a gap. */
function addUp(answer, names) {
  const values = names.map((name) => answer.emotions[name] ?? null);
  if (values.includes(null)) return null;
  const whole = values.reduce((sum, value) => sum + value, 0) || 1;
  let sum = 0;
  return [0, ...values.map((value) => (sum += value) / whole)];
}

/** The river: shares of all emotions on top of one another. */
function drawRiver(record, span) {
  const x = layOut(span);
  const runs = listRuns(record, span, (answer) => addUp(answer, record.head.emotions)).map((run) =>
    widen(run, record.step),
  );
  return record.head.emotions.flatMap((_, place) =>
    runs.map((run) => {
      const [upper, lower] = [place, place + 1].map((edge) =>
        run.map(([seconds, sums]) => [x(seconds), 100 * sums[edge]]),
      );
      return draw("polygon", {
        class: "band",
        fill: colour(place),
        points: writePoints([...upper, ...lower.reverse()]),
      });
    }),
  );
}

/** From the least to the greatest that any of these ratings can be. */
function spanRatings(names) {
  const ends = names.map((name) => bounds[name] ?? [0, 1]);
  return [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))];
}

/** A curve for each rating. */
function drawCurves(record, span) {
  const x = layOut(span);
  const [low, high] = spanRatings(record.head.ratings);
  const y = (value) => (100 * (high - value)) / (high - low);
  const curves = record.head.ratings.flatMap((name, place) =>
    listRuns(record, span, (answer) => answer.ratings[name] ?? null).map((run) => {
      const points = widen(run, record.step).map(([seconds, value]) => [x(seconds), y(value)]);
      return draw("polyline", { class: "curve", stroke: colour(place), points: writePoints(points) });
    }),
  );
  return [draw("path", { d: `M0 ${y((low + high) / 2)}H1000`, stroke: "var(--line)" }), ...curves];
}

/** A bar wherever an answer `is` so. */
function drawSpans(record, span, fill, is) {
  const x = layOut(span);
  return listRuns(record, span, (answer) => is(answer) || null).map((run) => {
    const [begin, end] = [run[0][0] - record.step / 2, run.at(-1)[0] + record.step / 2].map(x);
    return draw("rect", { x: begin, width: end - begin, height: 100, fill });
  });
}

/** Stretches and moments; each a pair of seconds. */
function drawStretches(pairs, span, attributes) {
  const x = layOut(span);
  return pairs.map(([begin, end]) =>
    draw("rect", { x: x(begin) - 1, width: x(end) - x(begin) + 2, height: 100, ...attributes }),
  );
}

/** Times for an axis: the finest round step that leaves no more than `most`. */
function listTicks([begin, end], most) {
  const step =
    [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find((size) => (end - begin) / size <= most) ??
    7200;
  const ticks = [];
  for (let tick = Math.ceil(begin / step) * step; tick <= end; tick += step) ticks.push(tick);
  return ticks;
}

/** The plane of valence and arousal. Quadrants: J. A. Russell, A circumplex model of affect, 1980, fig. 1. */
function drawPlane() {
  const name = (text, x, y, anchor = "middle") => draw("text", { x, y, "text-anchor": anchor }, text);
  const plane = draw("svg", {
    viewBox: "-1.04 -1.04 2.08 2.08",
    role: "img",
    "aria-label": "valence from left to right, arousal from bottom to top",
  });
  plane.append(
    draw("circle", { r: 1, fill: "var(--wash)", stroke: "var(--line)", "stroke-width": 0.015 }),
    draw("path", { d: "M-1 0H1M0 -1V1", stroke: "var(--line)", "stroke-width": 0.015 }),
    draw("g", { id: "trail" }),
    name("arousal", 0.03, -0.87, "start"),
    name("valence", 0.96, -0.03, "end"),
    name("distress", -0.44, -0.44),
    name("excitement", 0.44, -0.44),
    name("depression", -0.44, 0.52),
    name("contentment", 0.44, 0.52),
    draw("circle", { id: "dot", r: 0.06, visibility: "hidden" }),
  );
  return plane;
}

/** Moves the point of the plane, which leaves what was in the last `TRAIL` seconds, fading. */
const TRAIL = 15;
function movePoint(record, time) {
  const read = ({ ratings: { valence = null, arousal = null } }) =>
    valence === null || arousal === null ? null : [valence, -arousal];
  const answer = findAnswer(record, time);
  const point = answer && read(answer);
  find("dot").setAttribute("visibility", point ? "visible" : "hidden");
  if (point) for (const [place, axis] of ["cx", "cy"].entries()) find("dot").setAttribute(axis, point[place]);
  const lines = listRuns(record, [Math.max(time - TRAIL, 0), time], read).flatMap((run) =>
    run
      .slice(1)
      .filter(([seconds]) => seconds <= time + record.step / 2)
      .map(([seconds, [x2, y2]], place) => {
        const [x1, y1] = run[place][1];
        return draw("line", {
          x1,
          y1,
          x2,
          y2,
          "stroke-opacity": clamp(1 - (time - seconds) / TRAIL, 0.05, 1) * 0.7,
        });
      }),
  );
  find("trail").replaceChildren(...lines);
}

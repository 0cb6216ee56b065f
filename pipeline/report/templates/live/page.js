// What every part of the page uses.

const find = (id) => document.getElementById(id);
const served = JSON.parse(find("head").textContent);
const { palette, bounds } = JSON.parse(find("looks").textContent);

/** An element with these properties, and what stands in it. */
function make(tag, properties = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside);
  return element;
}

/** An element of a drawing. */
function draw(tag, attributes, ...inside) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

/** A drawing that is stretched to its place, 1000 units wide and 100 high. */
const stretch = (...inside) =>
  draw("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none" }, ...inside);

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const colour = (place) => palette[place % palette.length];
const write = (value) => (value === null ? "–" : value.toFixed(2).replace("-", "−"));
const writePercent = (value) => (value === null ? "–" : `${Math.round(100 * value)} %`);

/** A time as 1:02:03, or as 2:03.4 with tenths. */
function writeTime(seconds, digits = 0) {
  const scale = 10 ** digits;
  const rounded = Math.round(seconds * scale) / scale;
  const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor(rounded / 60) % 60];
  const rest = (rounded % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const writeDate = (text) =>
  new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Tells the person one sentence, until the next is told; none clears it. */
const say = (sentence = "") => (find("notice").textContent = sentence);

/** The service's response; an Error with a sentence for the person where it refuses. */
async function ask(path, options) {
  const response = await fetch(path, options).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Error("The service does not answer: start it again, then try once more.");
  });
  if (response.ok) return response;
  const { detail } = await response.json().catch(() => ({}));
  const wait = response.headers.get("Retry-After");
  const sentence = typeof detail === "string" ? detail : `The service answered ${response.status}.`;
  throw new Error(wait ? `${sentence} Try again in ${wait} s.` : sentence);
}

/** Offers `text` as a file. */
function download(name, text) {
  const link = make("a", {
    download: name,
    href: URL.createObjectURL(new Blob([text], { type: "text/csv" })),
  });
  link.click();
  URL.revokeObjectURL(link.href);
}

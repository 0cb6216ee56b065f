"use strict";
const { seconds, length, people, plane, words } = JSON.parse(document.getElementById("answers").textContent);
const find = (name) => document.getElementById(name);
const player = find("player"), over = find("over"), cursor = find("cursor");
const still = find("still"), boxes = find("boxes");
const frame = () => over.querySelector(".lane:not([hidden]) svg").getBoundingClientRect();
let now = 0, chosen = 0;

/** Place of the answer nearest to a time. */
function nearest(time) {
  let best = 0;
  for (let place = 1; place < seconds.length; place++) {
    if (Math.abs(seconds[place] - time) < Math.abs(seconds[best] - time)) best = place;
  }
  return best;
}

const write = (value) => (value === null ? "–" : value.toFixed(2).replace("-", "−"));

/** Box of a person's face now: on the way between those of the answers around, if both have one. */
function findBox(own, place) {
  const after = seconds[place] < now ? Math.min(place + 1, seconds.length - 1) : place;
  const before = Math.max(after - 1, 0);
  const [first, second] = [own[before], own[after]];
  if (!first || !second || before === after) return own[place];
  const share = Math.min(Math.max((now - seconds[before]) / (seconds[after] - seconds[before]), 0), 1);
  return first.map((edge, index) => edge + share * (second[index] - edge));
}

function drawBoxes(place) {
  const [wide, high] = player ? [player.videoWidth, player.videoHeight] : [still.naturalWidth, still.naturalHeight];
  if (!wide) return;
  boxes.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  const scale = boxes.getScreenCTM().a; // pixels of the screen for one of the film
  boxes.querySelectorAll("g").forEach((group, index) => {
    const box = findBox(people[index].boxes, place);
    group.setAttribute("visibility", box ? "visible" : "hidden");
    group.setAttribute("opacity", index === chosen ? 1 : 0.6);
    if (!box) return;
    const [left, top, right, bottom] = box, size = 13 / scale;
    const set = (name, values) => Object.entries(values).forEach(([key, value]) => group.querySelector(name).setAttribute(key, value));
    set("rect", { x: left, y: top, width: right - left, height: bottom - top });
    set("text", { x: left, y: Math.max(top - size / 2, size), "font-size": size, "stroke-width": size / 5 });
  });
}

function choose(person) {
  chosen = person;
  document.querySelectorAll("[data-person]").forEach((item) => (item.hidden = Number(item.dataset.person) !== chosen));
  document.querySelectorAll("[data-choose]").forEach((button, index) => {
    button.setAttribute("aria-pressed", index === chosen);
    if (index === chosen) find("who").textContent = button.textContent;
  });
  show(now);
}
document.querySelectorAll("[data-choose]").forEach((button, index) => button.addEventListener("click", () => choose(index)));

function show(time) {
  now = Math.min(Math.max(time, 0), length);
  const place = nearest(now), { shares, ratings } = people[chosen];
  if (boxes) drawBoxes(place);
  const values = shares.map((line) => line[place]);
  const greatest = Math.max(...values.map((value) => value ?? -1));
  document.querySelectorAll("[data-share]").forEach((item, index) => {
    const value = values[index];
    item.querySelector("i").style.width = `${100 * (value ?? 0)}%`;
    item.querySelector(".value").textContent = write(value);
    item.classList.toggle("first", value !== null && value === greatest);
  });
  document.querySelectorAll("[data-rating]").forEach((item, index) => {
    item.textContent = write(ratings[index][place]);
  });
  if (plane) {
    const [across, up] = plane.map((index) => ratings[index]);
    const known = across[place] !== null && up[place] !== null;
    find("dot").setAttribute("visibility", known ? "visible" : "hidden");
    if (known) {
      find("dot").setAttribute("cx", across[place]);
      find("dot").setAttribute("cy", -up[place]);
    }
    const trail = [];
    for (let before = Math.max(0, place - 12); before <= place; before++) {
      if (across[before] !== null && up[before] !== null) trail.push(`${across[before]},${-up[before]}`);
    }
    find("trail").setAttribute("points", trail.join(" "));
  }
  find("when").textContent = `${now.toFixed(1)} s`;
  const { left, width } = frame();
  cursor.style.left = `${left - over.getBoundingClientRect().left + (length ? now / length : 0) * width}px`;
  over.setAttribute("aria-valuenow", now.toFixed(2));
}

function seek(time) {
  if (player && Number.isFinite(player.duration)) player.currentTime = Math.min(Math.max(time, 0), player.duration);
  show(time);
}

over.addEventListener("pointerdown", (event) => {
  const box = frame();
  if (event.clientX >= box.left) seek(((event.clientX - box.left) / box.width) * length);
});
over.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
  const target = { Home: 0, End: length }[event.key] ?? (step && now + step * Math.max(length / 100, 0.04));
  if (target === undefined) return;
  event.preventDefault();
  seek(target);
});
addEventListener("resize", () => show(now));

if (player) {
  const follow = () => {
    show(player.currentTime);
    if (!player.paused) requestAnimationFrame(follow);
  };
  player.addEventListener("play", follow);
  player.addEventListener("seeked", () => show(player.currentTime));
  player.addEventListener("loadedmetadata", () => show(now));
  player.addEventListener("error", () => (find("broken").style.display = "block"));
  if (player.error) find("broken").style.display = "block";
  const track = words.length && player.addTextTrack("subtitles", "words");
  for (const { start, end, text } of words) track.addCue(new VTTCue(start, Math.max(end, start + 0.1), text));
  if (track) track.mode = "showing";
}
if (still) still.addEventListener("load", () => show(now));
choose(0);

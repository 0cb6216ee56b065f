// What is live: camera and microphone go to the service, its answers come back.

const KINDS = { frame: 1, sound: 2, recording: 3 };
const MOST_WAITING = 1_000_000; // bytes not yet sent, beyond which no frame is taken
const CALIBRATING_BLOCKS = 5; // of which the one that came soonest tells where the sound's clock stands
const MOST_DRIFT = 0.25; // seconds that sound may be off before its clock is set again
const LONGEST_WAIT = 10; // seconds between two tries to reach the service

const camera = find("camera"),
  canvas = document.createElement("canvas");
const live = {
  state: "off",
  record: newRecord(served, { empty: "Off. Start asks for camera and microphone." }),
};

// The stream's clock stands still in a pause, as the recording does, so film and answers stay in step.
const clock = { begun: 0, halted: null };
const readClock = () => performance.now() / 1000;
const now = () => (clock.halted ?? readClock()) - clock.begun;

const NEXT = { off: "start", on: "pause", lost: "stop" }; // what has the focus when what had it is hidden

/** off → opening → on ⇄ paused → stopping → off; lost while the service is away. */
function enter(state) {
  const before = live.state;
  live.state = state;
  find("start").hidden = state !== "off";
  find("pause").hidden = find("mark").hidden = state !== "on" && state !== "paused";
  find("pause").textContent = state === "paused" ? "Resume" : "Pause";
  find("stop").hidden = find("pause").hidden && state !== "lost";
  for (const setting of find("live").querySelectorAll(".settings")) setting.hidden = state !== "off";
  if (before !== state && document.activeElement === document.body)
    find(NEXT[state])?.focus({ preventScroll: true });
  tellState();
}

function tellState() {
  const words = {
    off: "",
    opening: "opening …",
    on: "live",
    paused: "paused",
    stopping: "stopping …",
    lost: "away",
  };
  const { state, session, record } = live;
  find("state").dataset.state = state;
  find("state").textContent =
    state === "on" || state === "paused"
      ? `${words[state]} ${writeTime(now())}${live.recorder ? ", recorded" : ""}`
      : words[state];
  if (state === "off" && session)
    find("state").append(make("a", { href: `#/sessions/${session}`, textContent: "Open the session" }));
  document.body.classList.toggle("going", state !== "off");
  find("live").querySelector(".export").hidden = !record.answers.length;
}

async function start() {
  say();
  Object.assign(live, { session: null, tries: 0, latency: null, rate: null, context: null, recorder: null });
  enter("opening");
  try {
    await open();
    connect();
  } catch (error) {
    finish(error.message);
  }
}

/** Opens the devices, and gives the stage a new record. */
async function open() {
  live.stream = await openDevices();
  await listDevices();
  Object.assign(clock, { begun: readClock(), halted: null });
  Object.assign(live, { offset: null, blocks: 0, heard: 0 });
  const [seen, heard] = [live.stream.getVideoTracks(), live.stream.getAudioTracks()];
  for (const track of [...seen, ...heard])
    track.onended = () =>
      say(`The ${track.kind === "video" ? "camera" : "microphone"} is gone; the rest goes on.`);
  if (heard.length) live.context = await openSound(live.stream, takeSound);
  const medium = { kind: seen.length ? "camera" : "none" };
  live.record = newRecord(served, { going: true, medium, empty: "By the microphone alone." });
  if (seen.length) {
    camera.srcObject = live.stream;
    await camera.play();
    live.looking = setInterval(takeFrame, 250 / served.rate_hz);
  }
  if (location.hash === "#/live") present(live.record);
}

function connect() {
  const address = new URL("live", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = (live.socket = new WebSocket(address));
  socket.onopen = () => {
    if (live.state === "opening") clock.begun = readClock();
    Object.assign(live, { shift: now(), waiting: false, taken: -Infinity, ready: false });
    tell({
      type: "start",
      hz: live.context?.sampleRate ?? null,
      frames: live.stream.getVideoTracks().length > 0,
      record: Boolean(find("keep")?.checked && findRecordingType(live.stream)),
      title: find("live-title")?.value.trim() ?? "",
    });
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    RECEIVERS[message.type](message);
  };
  socket.onclose = lose;
}

const isOpen = () => live.socket?.readyState === WebSocket.OPEN;
const tell = (message) => isOpen() && live.socket.send(JSON.stringify(message));

/** Sends a frame, a block of sound or a piece of the recording; its seconds are those of this connection. */
function send(kind, seconds, payload) {
  if (!isOpen() || seconds < live.shift) return;
  const header = new DataView(new ArrayBuffer(16));
  header.setUint8(0, KINDS[kind]);
  header.setFloat64(8, seconds - live.shift, true);
  live.socket.send(new Blob([header, payload]));
}

const RECEIVERS = {
  ready({ session }) {
    if (live.tries) say();
    Object.assign(live, { session, tries: 0, ready: true });
    enter(clock.halted === null ? "on" : "paused");
    record();
  },
  faces({ seconds, people }) {
    const before = live.record.faces[0]?.seconds ?? -Infinity;
    live.rate = 1 / (seconds + live.shift - before);
    live.record.faces = [{ seconds: seconds + live.shift, people }];
    live.waiting = false;
    grow(seconds + live.shift);
    if (stage.record === live.record) drawBoxes(live.record, live.record.length);
  },
  answer(answer) {
    live.record.answers.push({ ...answer, seconds: answer.seconds + live.shift });
    live.latency = answer.latency_seconds;
    grow(answer.seconds + live.shift);
    tellFacts();
    tellState();
    if (stage.record === live.record) refresh(live.record.length);
  },
  error({ message }) {
    live.fault = message;
  },
  stopped() {},
};

const grow = (seconds) => (live.record.length = Math.max(live.record.length, seconds));

function tellFacts() {
  const facts = [`answered in ${Math.round(1000 * live.latency)} ms`];
  if (live.record.faces.length) facts.push(`${live.rate.toFixed(1)} frames/s`);
  live.record.facts = facts;
}

/** Takes the newest frame, once the service has judged the one before. */
function takeFrame() {
  const due = now() - live.taken > 0.9 / served.rate_hz;
  if (
    live.state !== "on" ||
    !live.ready ||
    live.waiting ||
    !due ||
    !camera.videoWidth ||
    live.socket.bufferedAmount > MOST_WAITING
  )
    return;
  const scale = Math.min(1, served.frame_pixels / Math.max(camera.videoWidth, camera.videoHeight));
  Object.assign(canvas, {
    width: Math.round(camera.videoWidth * scale),
    height: Math.round(camera.videoHeight * scale),
  });
  canvas.getContext("2d").drawImage(camera, 0, 0, canvas.width, canvas.height);
  const taken = now();
  Object.assign(live, { waiting: true, taken });
  canvas.toBlob((blob) => send("frame", taken, blob), "image/jpeg", 0.85);
}

/** Sends a block of sound at the stream's time of its first sample. */
function takeSound({ seconds, samples }) {
  if (live.state !== "on") return;
  const length = samples.length / live.context.sampleRate;
  const offset = now() - seconds - length;
  if (live.blocks >= CALIBRATING_BLOCKS && Math.abs(offset - live.offset) > MOST_DRIFT) live.blocks = 0;
  if (live.blocks < CALIBRATING_BLOCKS) live.offset = live.blocks++ ? Math.min(live.offset, offset) : offset;
  else if (live.ready && seconds + live.offset > live.heard - 0.001) {
    send("sound", seconds + live.offset, samples);
    live.heard = seconds + live.offset + length;
  }
  takeFrame(); // a page in the background has slow timers, but is told of sound
}

/** Records film and sound to the service, a second at a time. */
function record() {
  const mimeType = findRecordingType(live.stream);
  if (!find("keep")?.checked) return;
  if (!mimeType)
    return say("This browser records no WebM: answers and marks are kept, film and sound are not.");
  let begun = 0;
  live.recorder = new MediaRecorder(live.stream, { mimeType });
  live.recorder.onstart = () => (begun = now());
  live.recorder.ondataavailable = ({ data }) => data.size && send("recording", begun, data);
  live.recorder.start(1000);
}

function pause() {
  if (live.state === "on") {
    clock.halted = readClock();
    live.recorder?.pause();
    enter("paused");
  } else if (live.state === "paused") {
    const paused = readClock() - clock.halted;
    Object.assign(clock, { begun: clock.begun + paused, halted: null });
    live.offset -= paused; // the sound's own clock went on
    live.recorder?.resume();
    enter("on");
  }
}

/** Marks this moment; what happens there may then be written. */
function mark() {
  if (live.state !== "on" && live.state !== "paused") return;
  finishMark();
  live.marked = { seconds: now(), text: "" };
  live.record.marks.push(live.marked);
  find("marking").hidden = false;
  find("marking").focus();
}

function finishMark() {
  if (!live.marked) return;
  const { seconds } = live.marked;
  const text = (live.marked.text = find("marking").value.trim());
  live.marked = null;
  Object.assign(find("marking"), { value: "", hidden: true });
  tell({ type: "mark", seconds: Math.max(seconds - live.shift, 0), text });
}

/** Ends the recording, its last piece first, then the session. */
async function stop() {
  finishMark();
  const { recorder, state } = live;
  enter("stopping");
  if (state === "lost" || !isOpen()) return finish();
  if (recorder && recorder.state !== "inactive") {
    await new Promise((ended) => {
      recorder.onstop = ended;
      recorder.stop();
    });
  }
  tell({ type: "stop" });
}

/** What happens when the connection is closed: the end, or another try. */
async function lose() {
  const { state, fault } = live;
  if (state === "off") return;
  live.ready = false;
  if (live.recorder && live.recorder.state !== "inactive") live.recorder.stop();
  if (state === "stopping" || fault) return finish(fault);
  const reason = await ask("live").then(
    () => "",
    (error) => error.message,
  );
  if (state === "opening") return finish(reason);
  const wait = Math.min(2 ** live.tries++, LONGEST_WAIT);
  enter("lost");
  say(`${reason} What was live until now is kept; trying again in ${wait} s.`);
  setTimeout(() => live.state === "lost" && connect(), 1000 * wait);
}

/** Lets go of the devices, and shows all that was live. */
function finish(sentence) {
  for (const track of live.stream?.getTracks() ?? []) track.stop();
  clearInterval(live.looking);
  live.socket?.close();
  live.context?.close();
  camera.srcObject = null;
  Object.assign(live, { stream: null, context: null, fault: null });
  Object.assign(live.record, {
    going: false,
    faces: [],
    medium: { kind: "none" },
    empty: live.record.answers.length
      ? "Off. All that was live is below."
      : "Off. Start asks for camera and microphone.",
  });
  enter("off");
  if (stage.record === live.record) present(live.record, live.record.length);
  if (sentence) say(sentence);
}

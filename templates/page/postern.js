// What makes the pages more comfortable. Each works without it, and nothing here decides anything: the server does.
"use strict";

// A fault has the keys, also after a jump within the page or when its field was moved: browsers then leave them nowhere.
addEventListener("load", () => {
  if (document.activeElement === document.body) document.querySelector("[autofocus]")?.focus();
});

// A password that was typed can be looked at: <input type="password" data-show="Show" data-hide="Hide">.
for (const field of document.querySelectorAll("input[type=password][data-show]")) {
  const button = document.createElement("button");
  const row = document.createElement("div");
  button.type = "button";
  button.className = "plain";
  row.className = "with-button";
  field.before(row);
  row.append(field, button);
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.textContent = visible ? field.dataset.hide : field.dataset.show;
    button.setAttribute("aria-pressed", String(visible));
  };
  show(false);
  button.addEventListener("click", () => show(field.type === "password"));
  // What is sent is a password again, so that the browser offers to keep it.
  field.form?.addEventListener("submit", () => show(false));
}

// A password that is being chosen is judged by the server; nothing of it is kept. When the form is sent it is judged again,
// and by more where this page does not know it: behind a link to a new password, by the name of the person, too.
for (const field of document.querySelectorAll("input[data-advice]")) {
  const said = document.getElementById(`${field.id}-advice`);
  const fields = field.form.elements;
  const PAUSE = 400;
  let timer;
  let asked;
  const ask = async () => {
    asked = new AbortController();
    const typed = { form: fields.form.value, password: field.value };
    for (const name of ["address", "name"]) if (fields[name]) typed[name] = fields[name].value;
    const body = new URLSearchParams(typed);
    const answer = await fetch(field.dataset.advice, { method: "POST", body, signal: asked.signal });
    if (!answer.ok) return;
    const { fault } = await answer.json();
    said.textContent = fault ?? said.dataset.good;
    said.className = fault ? "fault" : "hint";
    said.hidden = false;
    document.getElementById(`${field.id}-fault`)?.setAttribute("hidden", "");
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    asked?.abort();
    if (field.value) timer = setTimeout(() => ask().catch(() => { /* then there is no advice */ }), PAUSE);
    else said.hidden = true;
  });
}

// The Drop-Off page: files go one by one and can be resumed (tus 1.0), then the form is sent without them.
{
  const form = document.getElementById("dropoff");
  const model = document.getElementById("upload");
  if (form && model) dropOff(form, model);
}

function dropOff(form, model) {
  const words = model.dataset;
  const limits = form.dataset;
  const input = document.getElementById("files");
  const drop = document.getElementById("drop");
  const list = document.getElementById("uploads");
  const state = document.getElementById("uploads-state");
  const send = form.querySelector("button[type=submit]");
  const AT_ONCE = 2;
  const WAIT_MAX = 30;
  const FIELDS = ["to", "subject", "message", "files"];
  const uploads = [];
  let id = form.getAttribute("action").split("/")[2];
  let isSending = false;

  // Where an upload stands outlives the page: which address a file of this drop-off has.
  const memory = {
    key: (file) => ["postern", id, file.name, file.size, file.lastModified].join("/"),
    read: (file) => { try { return localStorage.getItem(memory.key(file)); } catch { return null; } },
    write: (file, place) => { try { localStorage.setItem(memory.key(file), place); } catch { /* then it is not resumed */ } },
    drop: (file) => { try { localStorage.removeItem(memory.key(file)); } catch { /* nothing to drop */ } },
  };

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const size = (octets) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (octets >= 1024 && unit < units.length - 1) { octets /= 1024; unit += 1; }
    return `${unit && octets < 100 ? octets.toFixed(1) : Math.floor(octets)} ${units[unit]}`;
  };
  const time = (seconds) =>
    seconds < 90 ? fill(words.seconds, { n: Math.ceil(seconds) })
      : seconds < 5400 ? fill(words.minutes, { n: Math.round(seconds / 60) })
        : fill(words.hours, { n: (seconds / 3600).toFixed(1) });
  const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  const pause = (seconds) => new Promise((done) => {
    const end = () => { clearTimeout(timer); removeEventListener("online", end); done(); };
    const timer = setTimeout(end, seconds * 1000);
    addEventListener("online", end);
  });

  // One request; with a body, `progress` hears how much of it has gone. Without an answer the status is 0.
  const ask = (upload, method, place, headers, body, progress) => new Promise((done) => {
    const request = new XMLHttpRequest();
    upload.request = request;
    request.open(method, place);
    for (const [name, value] of Object.entries({ "Tus-Resumable": "1.0.0", ...headers })) request.setRequestHeader(name, value);
    if (progress) request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("loadend", () => { upload.request = null; done(request); });
    request.send(body ?? null);
  });
  const stands = (request) => Number(request.getResponseHeader("Upload-Offset"));

  // What is wrong with a file can often be said before it is sent.
  const fault = (file) => {
    const waiting = uploads.filter((upload) => !upload.isGone);
    const ending = file.name.includes(".") ? file.name.split(".").pop().toLowerCase() : "";
    if (file.size > Number(limits.fileOctets)) return words.large;
    if (limits.blocked.split(" ").includes(ending) && ending) return words.blocked;
    if (waiting.length >= Number(limits.files)) return words.many;
    if (file.size + waiting.reduce((sum, upload) => sum + upload.file.size, 0) > Number(limits.leftOctets)) return words.full;
    return null;
  };
  const told = (name, text) => {
    const place = document.getElementById(`${name}-fault`);
    place.textContent = text ?? "";
    place.hidden = !text;
    document.getElementById(name).toggleAttribute("aria-invalid", Boolean(text));
    if (text) document.getElementById(name).setAttribute("aria-invalid", "true");
  };

  const add = (files) => {
    const refused = [];
    for (const file of files) {
      if (uploads.some((other) => !other.isGone && memory.key(other.file) === memory.key(file))) continue;
      const known = id && memory.read(file);
      const why = known ? null : fault(file);
      if (why) { refused.push(`${file.name} ${why}.`); continue; }
      const row = model.content.firstElementChild.cloneNode(true);
      const part = (name) => row.querySelector(name);
      const upload = { file, row, bar: part("progress"), text: part(".state"), go: part(".go"), isWhole: false, isGone: false };
      part(".name").textContent = file.name;
      part(".size").textContent = size(file.size);
      upload.text.textContent = words.waiting;
      upload.bar.setAttribute("aria-label", file.name);
      const cancel = part(".cancel");
      cancel.setAttribute("aria-label", `${cancel.textContent} ${file.name}`);
      cancel.addEventListener("click", () => take(upload));
      upload.go.addEventListener("click", () => { upload.go.hidden = true; upload.wake?.(); });
      if (known) document.querySelector(`[data-upload="${CSS.escape(known)}"]`)?.remove();
      uploads.push(upload);
      list.append(row);
      if (isSending) run();
    }
    list.hidden = uploads.length === 0;
    told("files", refused.join(" "));
  };

  // Cancelled: what has arrived is taken back.
  const take = async (upload) => {
    upload.isGone = true;
    upload.request?.abort();
    upload.wake?.();
    upload.row.remove();
    const place = upload.place ?? (id && memory.read(upload.file));
    if (place) { memory.drop(upload.file); await ask({}, "DELETE", place); }
    (document.getElementById("files")).focus();
    if (isSending) finish();
  };

  // Until it is whole: begun or looked up, then sent on from where it stands, after each break anew.
  const bring = async (upload) => {
    let wait = 1;
    while (!upload.isGone && !upload.isWhole) {
      let answer;
      upload.place ??= memory.read(upload.file);
      if (upload.place) {
        answer = await ask(upload, "HEAD", upload.place);
        if (answer.status === 404 || answer.status === 410) { memory.drop(upload.file); upload.place = null; continue; }
      } else {
        answer = await ask(upload, "POST", "/files", {
          "Upload-Length": upload.file.size,
          "Upload-Metadata": `dropoff ${base64(id)},filename ${base64(upload.file.name)}`,
        });
        if (answer.status === 201) { upload.place = answer.getResponseHeader("Location"); memory.write(upload.file, upload.place); }
      }
      if (answer.status === 200 || answer.status === 201) answer = await push(upload, stands(answer));
      if (upload.isGone) return;
      if (answer.status === 204) { wait = 1; continue; }
      if (answer.status === 422 || answer.status === 413 || answer.status === 507) {
        told("files", `${upload.file.name}: ${answer.responseText.trim()}`);
        return take(upload);
      }
      if (answer.status === 401) {
        upload.text.textContent = words.signedOut;
        upload.go.hidden = false;
        await new Promise((done) => { upload.wake = done; });
        continue;
      }
      upload.text.textContent = words.paused;
      upload.go.hidden = false;
      await Promise.race([pause(wait), new Promise((done) => { upload.wake = done; })]);
      upload.go.hidden = true;
      wait = Math.min(wait * 2, WAIT_MAX);
    }
  };

  const push = async (upload, offset) => {
    const { file, bar, text } = upload;
    const begun = performance.now();
    let gone = 0;
    const show = (sent) => {
      gone = sent;
      const seconds = (performance.now() - begun) / 1000;
      const speed = sent / Math.max(seconds, .001);
      bar.value = file.size ? (offset + sent) / file.size : 1;
      if (seconds < .5) return;
      const left = speed > 0 ? time((file.size - offset - sent) / speed) : "…";
      text.textContent = fill(words.goes, { done: size(offset + sent), size: size(file.size), speed: size(speed), left });
    };
    text.textContent = offset > 0 ? fill(words.resumes, { done: size(offset) }) : words.starts;
    show(0);
    let answer = { status: 204 };
    if (offset < file.size) {
      const headers = { "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" };
      // Nothing tells of a line that has gone still: then the speed falls, second by second.
      const still = setInterval(() => show(gone), 1000);
      answer = await ask(upload, "PATCH", upload.place, headers, file.slice(offset), show);
      clearInterval(still);
    }
    if (answer.status === 204 && (offset === file.size || stands(answer) === file.size)) {
      upload.isWhole = true;
      bar.value = 1;
      text.textContent = words.whole;
      memory.drop(file);
    }
    return answer;
  };

  const run = () => {
    const busy = uploads.filter((upload) => upload.isBusy).length;
    const next = uploads.filter((upload) => !upload.isBusy && !upload.isWhole && !upload.isGone).slice(0, AT_ONCE - busy);
    for (const upload of next) {
      upload.isBusy = true;
      bring(upload).catch(() => { state.textContent = words.broken; }).finally(() => {
        upload.isBusy = false;
        if (!upload.isWhole && !upload.isGone) return;
        run();
        finish();
      });
    }
  };

  // All is here: the form goes its plain way, without the files.
  const finish = () => {
    const rest = uploads.filter((upload) => !upload.isGone);
    state.textContent = fill(words.all, { done: rest.filter((upload) => upload.isWhole).length, size: rest.length });
    if (rest.some((upload) => !upload.isWhole)) return;
    isSending = false;
    send.disabled = false;
    if (rest.length > 0) { input.disabled = true; form.submit(); }
  };

  const begin = async () => {
    const data = new FormData(form);
    data.delete("files");
    const answer = await fetch("/dropoff/begin", { method: "POST", body: data });
    const said = (answer.headers.get("Content-Type") ?? "").startsWith("application/json") ? await answer.json() : null;
    for (const name of FIELDS) told(name, said?.[name]);
    if (answer.status === 201) {
      id = said.id;
      form.action = `/dropoff/${id}`;
      history.replaceState(null, "", form.action);
      return true;
    }
    if (!said) { state.textContent = words.broken; return false; }
    const first = FIELDS.find((name) => said[name]);
    const field = document.getElementById(first);
    (field?.matches("fieldset") ? field.querySelector("input") : field)?.focus();
    return false;
  };

  input.addEventListener("change", () => { add([...input.files]); input.value = ""; });
  document.getElementById("drop-hint").hidden = false;
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") add([...event.dataTransfer.files]);
    });
  }
  form.addEventListener("submit", async (event) => {
    if (!uploads.some((upload) => !upload.isGone)) return;
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    send.disabled = true;
    const isBegun = id || await begin().catch(() => { state.textContent = words.broken; return false; });
    if (!isBegun) { isSending = false; send.disabled = false; return; }
    run();
    finish();
  });
  addEventListener("beforeunload", (event) => {
    if (isSending && uploads.some((upload) => upload.isBusy)) event.preventDefault();
  });
}

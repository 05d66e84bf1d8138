// What was added waits in the browser's database until the service has it. The service keeps each id once, so that
// sending again is safe, whatever became of an answer.

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const opening = indexedDB.open("rope-and-torch", 1);
opening.onupgradeneeded = () => opening.result.createObjectStore("work", { keyPath: "number", autoIncrement: true });
const database = done(opening);

const store = async (mode) => (await database).transaction("work", mode).objectStore("work");

export const add = async (job) => done((await store("readwrite")).add({ id: crypto.randomUUID(), ...job }));

export const waiting = async () => done((await store("readonly")).getAll());

const post = (job) => fetch("/api/work", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(job),
}).catch(() => null);

// Sends what waits, the oldest first, until the service does not answer or cannot take it now. What it refuses for good
// would hold up the rest for ever: it is taken out and returned. One page at a time sends.
export const send = () => navigator.locks.request("send", async () => {
  const refused = [];
  for (const { number, ...job } of await waiting()) {
    const answer = await post(job);
    if (!answer || answer.status >= 500 || answer.status === 429) break;
    if (!answer.ok) refused.push(job);
    await done((await store("readwrite")).delete(number));
  }
  return refused;
});

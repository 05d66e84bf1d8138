import "/assets/install.js";
import { add, send, waiting } from "/assets/queue.js";

const SHORTEST = 500;
const LONGEST = 30000;  // milliseconds between two attempts: a browser cannot tell when a bad network is good again

const form = document.querySelector("#add");
const [state, list, alert] = ["#state", "#waiting", "#refused"].map((name) => document.querySelector(name));
let pause = SHORTEST;
let timer;

const show = async () => {
  const jobs = await waiting();
  const entries = jobs.map(({ item, quantity }) => {
    const entry = document.createElement("li");
    entry.textContent = `${quantity} × ${item}`;
    return entry;
  });
  list.replaceChildren(...entries);
  state.textContent = jobs.length ? `${jobs.length} waiting for the network.` : "Nothing is waiting.";
  return jobs.length;
};

const sync = async () => {
  clearTimeout(timer);
  await show();
  const refused = await send();
  if (refused.length) alert.textContent = `Refused: ${refused.map(({ item }) => item).join(", ")}.`;
  if (!(await show())) {
    pause = SHORTEST;
    return;
  }
  clearTimeout(timer);
  timer = setTimeout(sync, pause);
  pause = Math.min(2 * pause, LONGEST);
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const entered = new FormData(form);
  await add({ item: entered.get("item"), quantity: Number(entered.get("quantity")) });
  form.reset();
  pause = SHORTEST;
  await sync();
});

addEventListener("online", sync);
sync();

import "/assets/install.js";

const list = document.querySelector("#work");
const state = document.querySelector("#state");

const line = ({ item, quantity }) => {
  const entry = document.createElement("li");
  entry.textContent = `${quantity} × ${item}`;
  return entry;
};

try {
  const { work } = await (await fetch("/api/work")).json();
  list.replaceChildren(...work.map(line));
  state.textContent = work.length ? "" : "Nothing to do.";
} catch {
  state.textContent = "There is no network, and no list was read yet.";
}

import "/assets/install.js";

const state = document.querySelector("#state");

document.querySelector("#order").addEventListener("click", async () => {
  const response = await fetch("/api/checkout", { method: "POST" });
  state.textContent = response.ok ? "Thank you: the order is placed." : "That did not work. Please try again.";
});

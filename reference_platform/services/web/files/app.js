// Fills the page with the masks that the api serves.
const app = document.getElementById("app");
const state = document.getElementById("state");

async function load() {
  const answer = await fetch(`${app.dataset.api}/v1/taxonomy/masks`);
  if (!answer.ok) throw new Error(`the api answered ${answer.status}`);
  const { data } = await answer.json();
  const entries = data.map(({ name, summary }) => {
    const entry = document.createElement("li");
    const title = document.createElement("strong");
    title.textContent = name;
    entry.append(title, ` ${summary}`);
    return entry;
  });
  document.getElementById("masks").replaceChildren(...entries);
  state.textContent = `${data.length} masks`;
  app.dataset.state = "ready";
}

load().catch((error) => {
  state.textContent = "The masks cannot be shown now.";
  app.dataset.state = "failed";
  console.error(error.message);
});

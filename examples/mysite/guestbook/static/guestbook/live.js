// Shows new entries as they come, by server-sent events.
const list = document.getElementById("entries");
const count = document.getElementById("count");
const source = new EventSource(`${list.dataset.events}?after=${list.dataset.after}`);
source.addEventListener("entry", (event) => {
  const entry = JSON.parse(event.data);
  const item = document.createElement("li");
  const text = document.createElement("p");
  const name = document.createElement("p");
  text.textContent = entry.text;
  name.textContent = entry.name;
  name.className = "quiet";
  item.append(text, name);
  list.prepend(item);
  count.textContent = Number(count.textContent) + 1;
});

// Runs in a page before it is drawn. What it finds stands in attributes of the root element.

const { width, height } = document.body.getBoundingClientRect();
document.documentElement.dataset.size = `${Math.ceil(width)},${Math.ceil(height)}`;

// Without a font of emoji, a browser draws an empty box, which has no colour.
const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
context.font = "40px sans-serif";
const hasColour = (emoji) => {
  context.clearRect(0, 0, 100, 100);
  context.fillText(emoji, 10, 60);
  const { data } = context.getImageData(0, 0, 100, 100);
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return true;
  }
  return false;
};
const shown = document.body.textContent.match(/\p{Emoji_Presentation}|\p{Emoji}\uFE0F/gu) ?? [];
document.documentElement.dataset.missing = shown.filter((emoji) => !hasColour(emoji)).join(" ");

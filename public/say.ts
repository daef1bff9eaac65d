/** One short sentence that comes and goes, read aloud too. Never a stack of them. */
const SHOWN_MS = 3_000;

let timer: ReturnType<typeof setTimeout> | undefined;

export function say(sentence: string): void {
  const place = document.querySelector("#said");
  if (!place) return;
  clearTimeout(timer);
  place.textContent = sentence;
  place.classList.remove("vh");
  timer = setTimeout(() => {
    place.classList.add("vh");
    place.textContent = "";
  }, SHOWN_MS);
}

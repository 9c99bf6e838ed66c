const SHOWN_FOR = 2_000;

/**
 * Copies what an element says when a button is pressed, and says so on the button.
 *
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} source
 */
export function copyOnPress(button, source) {
  const name = button.textContent;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let back;
  button.addEventListener('click', async () => {
    button.textContent = (await copy(source)) ? 'Copied' : 'Press Ctrl+C';
    clearTimeout(back);
    back = setTimeout(() => (button.textContent = name), SHOWN_FOR);
  });
}

/**
 * Browsers have a clipboard only for https and localhost. Elsewhere the text is selected, and copied the old way.
 *
 * @param {HTMLElement} source
 */
async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent ?? '');
    return true;
  } catch {
    getSelection()?.selectAllChildren(source);
    return document.execCommand('copy');
  }
}

/**
 * Begins the intro when the page is first seen. Those who asked their system for less motion start it themselves.
 *
 * @param {() => void} play
 */
export function onFirstView(play) {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  if (!document.hidden) return play();
  document.addEventListener('visibilitychange', play, { once: true });
}

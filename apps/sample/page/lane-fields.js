import { ALGORITHMS } from './algorithms.js';
import { copyOf, find } from './dom.js';

/** The fields of one lane in the card of settings: how its requests are judged, and which client sends them. */
export class LaneFields {
  element = copyOf('#fields-template');
  #algorithm = find(this.element, '[name=algorithm]', HTMLSelectElement);
  #client = find(this.element, '[name=client]', HTMLInputElement);
  #remove = find(this.element, '.remove', HTMLButtonElement);

  /**
   * @param {{ algorithm: string, client: string }} first
   * @param {{ changed: () => void, removed: () => void }} told
   */
  constructor({ algorithm, client }, { changed, removed }) {
    this.#algorithm.append(...ALGORITHMS.map(({ name, title }) => new Option(title, name)));
    this.#algorithm.value = algorithm;
    this.#client.value = client;
    this.#algorithm.addEventListener('change', changed);
    this.#client.addEventListener('change', changed);
    this.#remove.addEventListener('click', removed);
  }

  get algorithm() {
    return this.#algorithm.value;
  }

  get client() {
    return this.#client.value;
  }

  set client(name) {
    this.#client.value = name;
  }

  /** What the page knows of the algorithm. */
  get facts() {
    return ALGORITHMS.find(({ name }) => name === this.algorithm);
  }

  /** `fixed window · alice` */
  get name() {
    return `${this.#algorithm.selectedOptions[0]?.text ?? ''} · ${this.client}`;
  }

  show() {
    find(this.element, '.about', HTMLElement).textContent = this.facts?.about ?? '';
    this.#remove.setAttribute('aria-label', `Remove ${this.name}`);
  }
}

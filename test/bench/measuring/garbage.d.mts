/** How many bytes of the JavaScript heap are allocated while something runs. */
export class Allocations {
  start(): void;
  stop(): number;
}

/** What the answers of both frameworks can do. */
export interface Answer {
  header(name: string, value: string): unknown;
}

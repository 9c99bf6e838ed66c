/** A Redis or Valkey that tests can start, as often as they like. */
export interface ServerKind {
  /** What the server says it is, for example `redis 7.0.15`. */
  readonly label: string;
  readonly name: string;
  readonly version: string;
  /** How it was found, for example `fetched package`. */
  readonly how: string;
  readonly command?: readonly string[];
  /** Of the distribution that its package is from. */
  readonly suite?: string;
  readonly image?: string;
  readonly binary?: string;
}

/** A server that belongs to the test that started it. */
export interface Server {
  readonly kind: ServerKind;
  readonly version: string;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** From here on it accepts connections and answers nothing. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends it as a crash would. It can be restarted. */
  kill(): Promise<void>;
  /** The same port and folder, and a memory as empty as nothing was saved in that folder (SAVE, a cluster's config). */
  restart(options?: RestartOptions): Promise<void>;
  /** Ends it, frozen or not, and removes what it left. */
  stop(): Promise<void>;
}

export interface RestartOptions {
  /** Not to wait until it has loaded what it saved; until then it answers LOADING. */
  whileLoading?: boolean;
}

export interface LaunchOptions {
  args?: readonly string[];
  runDir: string;
}

export function launch(kind: ServerKind, options: LaunchOptions): Promise<Server>;

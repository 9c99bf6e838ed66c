// The parts of @opentelemetry/api that are used. It is optional, so its types are not named.

/** Takes the values of metrics when they are collected. */
export interface BatchResult {
  observe(instrument: object, value: number, attributes: object): void;
}

interface InstrumentOptions {
  readonly description: string;
  readonly unit: string;
  readonly advice?: { readonly explicitBucketBoundaries: number[] };
}

export interface Meter {
  createObservableCounter(name: string, options: InstrumentOptions): object;
  createObservableGauge(name: string, options: InstrumentOptions): object;
  createHistogram(name: string, options: InstrumentOptions): { record(value: number): void };
  addBatchObservableCallback(callback: (result: BatchResult) => void, instruments: object[]): void;
}

/** What gives meters: a `MeterProvider` of OpenTelemetry. */
export interface OpenTelemetryMeterProvider {
  /** Returns the meter of this library. */
  getMeter(name: string): unknown;
}

export interface Span {
  isRecording(): boolean;
  setAttributes(attributes: Record<string, string>): unknown;
}

export interface OpenTelemetryApi {
  readonly trace: { getActiveSpan(): Span | undefined };
  readonly metrics: { getMeterProvider(): OpenTelemetryMeterProvider };
  createNoopMeter(): object;
}

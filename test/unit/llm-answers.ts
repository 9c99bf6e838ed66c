/** What the answers below say, in the normal form. Each is the same call, in the words of one API. */
export const USAGE = { input: 1_200, cachedInput: 1_024, cacheWrite: 0, output: 350, reasoning: 200 };

/** A usage of nothing but these. */
export const only = (some: Partial<typeof USAGE>): typeof USAGE => ({
  input: 0,
  cachedInput: 0,
  cacheWrite: 0,
  output: 0,
  reasoning: 0,
  ...some,
});

export const CHAT_USAGE = {
  prompt_tokens: 1_200,
  completion_tokens: 350,
  total_tokens: 1_550,
  prompt_tokens_details: { cached_tokens: 1_024, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 200, audio_tokens: 0, accepted_prediction_tokens: 0 },
};
export const RESPONSES_USAGE = {
  input_tokens: 1_200,
  input_tokens_details: { cached_tokens: 1_024 },
  output_tokens: 350,
  output_tokens_details: { reasoning_tokens: 200 },
  total_tokens: 1_550,
};
export const ANTHROPIC_USAGE = {
  input_tokens: 176,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 1_024,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: 350,
  output_tokens_details: { thinking_tokens: 200 },
  server_tool_use: null,
  service_tier: 'standard',
};
export const AI_SDK_USAGE = {
  inputTokens: 1_200,
  inputTokenDetails: { noCacheTokens: 176, cacheReadTokens: 1_024, cacheWriteTokens: undefined },
  outputTokens: 350,
  outputTokenDetails: { textTokens: 150, reasoningTokens: 200 },
  totalTokens: 1_550,
};
const AI_SDK_STEP = { inputTokens: 600, outputTokens: 20, totalTokens: 620 };

export const chat = {
  id: 'chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG',
  object: 'chat.completion',
  created: 1_741_570_283,
  model: 'gpt-5',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Grüezi 👋', refusal: null }, finish_reason: 'stop' }],
  usage: CHAT_USAGE,
};
export const response = {
  id: 'resp_67ccd3a9da748190baa7f1570fe91ac604becb25c45c1d41',
  object: 'response',
  status: 'completed',
  output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Grüezi 👋' }] }],
  usage: RESPONSES_USAGE,
};
export const message = {
  id: 'msg_013Zva2CMHLNnXjNJJKqJ2EF',
  type: 'message',
  role: 'assistant',
  content: [{ type: 'text', text: 'Grüezi 👋' }],
  stop_reason: 'end_turn',
  usage: ANTHROPIC_USAGE,
};

const chunk = (choices: readonly object[], usage: object | null = null): object => ({
  id: chat.id,
  object: 'chat.completion.chunk',
  choices,
  usage,
});

/** The objects that each API streams, the last one with what was not known before. */
export const streams: Readonly<Record<string, readonly object[]>> = {
  'OpenAI chat': [
    chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]),
    chunk([{ index: 0, delta: { content: 'Grüezi 👋' }, finish_reason: null }]),
    chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
    chunk([], CHAT_USAGE),
  ],
  'OpenAI responses': [
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } },
    { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, delta: 'Grüezi 👋' },
    { type: 'response.completed', response },
  ],
  'OpenAI responses, cut short by max_output_tokens': [
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } },
    { type: 'response.incomplete', response: { ...response, status: 'incomplete' } },
  ],
  Anthropic: [
    {
      type: 'message_start',
      message: {
        ...message,
        content: [],
        stop_reason: null,
        usage: { input_tokens: 176, cache_creation_input_tokens: 0, cache_read_input_tokens: 1_024, output_tokens: 1 },
      },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Grüezi 👋' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: null }, usage: { output_tokens: 300 } },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: {
        ...ANTHROPIC_USAGE,
        input_tokens: null,
        cache_creation_input_tokens: null,
        cache_read_input_tokens: null,
      },
    },
  ],
  'AI SDK, fullStream': [
    { type: 'start' },
    { type: 'start-step', request: {}, warnings: [] },
    { type: 'text-delta', id: '0', text: 'Grüezi 👋' },
    { type: 'finish-step', usage: AI_SDK_STEP, finishReason: 'tool-calls', response: { id: 'a' } },
    { type: 'start-step', request: {}, warnings: [] },
    { type: 'finish-step', usage: AI_SDK_STEP, finishReason: 'stop', response: { id: 'b' } },
    { type: 'finish', finishReason: 'stop', totalUsage: AI_SDK_USAGE },
  ],
  'AI SDK, for user interfaces': [
    { type: 'start', messageId: 'msg-1' },
    { type: 'start-step' },
    { type: 'text-delta', id: '0', delta: 'Grüezi 👋' },
    { type: 'finish-step' },
    { type: 'finish', finishReason: 'stop', messageMetadata: { model: 'gpt-5', usage: AI_SDK_USAGE } },
  ],
  'an application that reports at the end': [
    { type: 'delta', text: 'Grüezi 👋' },
    { type: 'done', answer: 'Grüezi 👋', usage: RESPONSES_USAGE },
  ],
};

/** As server-sent events, with what else such streams carry. */
export const eventsOf = (objects: readonly object[], end = '\n'): string =>
  [
    ': keep-alive',
    '',
    ...objects.flatMap((object, index) => [`event: part`, `id: ${index}`, `data: ${JSON.stringify(object)}`, '']),
    'data: [DONE]',
    '',
    '',
  ].join(end);

import type { HttpRequest, HttpResponse } from './exchange.ts';
import type { ConnectSettings } from './transport.ts';

export interface SocketExchange {
  exchange(request: HttpRequest): Promise<HttpResponse | undefined>;
  close(): void;
}

export function openSocketExchange(_connect: ConnectSettings): SocketExchange {
  return { exchange: async () => undefined, close() {} };
}

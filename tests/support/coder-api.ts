// A Coder server in memory, on loopback: what its Terraform provider asks for to publish a template.

import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Json } from "./template.ts";

const NOW = "2026-01-01T00:00:00Z";

export class CoderApi {
  readonly token = randomUUID();
  readonly organization = randomUUID();
  readonly user = randomUUID();
  /** The archives that were uploaded. */
  readonly uploads: Buffer[] = [];
  readonly versions: Json[] = [];
  template: Json;
  private readonly sockets = new Set<Socket>();

  private readonly server = createServer((request, answer) => {
    this.answer(request).then(
      ({ status = 200, body }) =>
        answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
      (error) => answer.writeHead(500).end(String(error)),
    );
  });

  static async start(): Promise<CoderApi> {
    const api = new CoderApi();
    // The log of an import is read from a web socket: it is empty, and closed at once.
    api.server.on("upgrade", (request, socket) => {
      const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash("sha1").update(key).digest("base64");
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.write(Buffer.from([0x88, 2, 0x03, 0xe8]));
      socket.on("data", () => socket.end());
      socket.on("error", () => {});
    });
    api.server.on("connection", (socket) => {
      api.sockets.add(socket);
      socket.on("close", () => api.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => api.server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage): Promise<{ status?: number; body: Json }> {
    if (request.headers["coder-session-token"] !== this.token)
      return { status: 401, body: { message: "You are signed out or your session has expired." } };
    const path = new URL(request.url!, "http://x").pathname.replace(/^\/api\/v2/, "");
    const content = await read(request);
    const asked = `${request.method} ${path.replaceAll(/[0-9a-f-]{36}/g, "ID")}`;
    const id = path.match(/[0-9a-f-]{36}/)?.[0];
    switch (asked) {
      case "GET /users/me":
        return {
          body: { id: this.user, username: "admin", organization_ids: [this.organization], created_at: NOW },
        };
      case "GET /entitlements":
        return { body: { features: {}, warnings: [], errors: [], has_license: false, trial: false } };
      case "POST /files":
        this.uploads.push(content);
        return { status: 201, body: { hash: randomUUID() } };
      case "POST /organizations/ID/templateversions": {
        const { name, message = "" } = JSON.parse(content.toString());
        const version = {
          id: randomUUID(),
          template_id: this.template?.id ?? null,
          organization_id: this.organization,
          created_at: NOW,
          updated_at: NOW,
          name: name || `version_${this.versions.length + 1}`,
          message,
          job: { id: randomUUID(), status: "succeeded", created_at: NOW },
          created_by: { id: this.user, username: "admin" },
          archived: false,
        };
        this.versions.push(version);
        return { status: 201, body: version };
      }
      case "GET /templateversions/ID":
        return found(this.versions.find((version) => version.id === id));
      case "PATCH /templateversions/ID":
        return found(this.versions.find((version) => version.id === id));
      case "POST /organizations/ID/templates": {
        const { template_version_id, ...wanted } = JSON.parse(content.toString());
        this.template = {
          id: randomUUID(),
          created_at: NOW,
          updated_at: NOW,
          organization_id: this.organization,
          organization_name: "coder",
          provisioner: "terraform",
          active_version_id: template_version_id,
          created_by_id: this.user,
          activity_bump_ms: 3_600_000,
          autostop_requirement: { days_of_week: [], weeks: 1 },
          autostart_requirement: { days_of_week: DAYS },
          allow_user_autostart: true,
          allow_user_autostop: true,
          max_port_share_level: "public",
          cors_behavior: "simple",
          ...wanted,
        };
        return { status: 201, body: this.template };
      }
      case "GET /templates/ID":
        return found(this.template);
      case "PATCH /templates/ID":
        Object.assign(this.template, JSON.parse(content.toString()));
        return { body: this.template };
      case "PATCH /templates/ID/versions":
        this.template.active_version_id = JSON.parse(content.toString()).id;
        return { body: { message: "Updated the active template version!" } };
      case "GET /templates/ID/acl":
        return { body: { users: [], group: [] } };
      case "DELETE /templates/ID":
        this.template = undefined;
        return { body: {} };
      default:
        return { status: 404, body: { message: `Route not found: ${asked}` } };
    }
  }
}

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const found = (body: Json) =>
  body ? { body } : { status: 404, body: { message: "Resource not found or you do not have access to it" } };

async function read(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

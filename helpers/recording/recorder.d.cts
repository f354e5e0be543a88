// recorder.cjs is imported as a text, never run in this process.
declare const text: string;
export = text;

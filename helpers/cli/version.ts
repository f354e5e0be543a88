declare const CCR_VERSION: string;

/** The version of this program, from package.json at build time. */
export const VERSION: string = typeof CCR_VERSION === "string" ? CCR_VERSION : "0.0.0-source";

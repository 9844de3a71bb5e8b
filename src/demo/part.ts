/** The hidden verb with which the demo starts its parts. */
export const PART = "__demo";

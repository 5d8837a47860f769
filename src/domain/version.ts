/** Of this program; recorded in every manifest. A test compares it with package.json. */
export const holdfastVersion = '0.1.0'

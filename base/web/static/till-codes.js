// What a voucher's code looks like, so that a picture of something else, or a misread one, is not sent to the server at all.
window.jifenTill = window.jifenTill ?? {};
(() => {
  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", SYMBOLS = 12, FIELD = 0b100101;

  const times = (a, b) => {
    let product = 0;
    for (let left = a, right = b; right; right >>= 1, left = left << 1 & 32 ? left << 1 ^ FIELD : left << 1) {
      if (right & 1) product ^= left;
    }
    return product;
  };

  // base/check_symbols.py: over GF(32), the symbol in place i weighs 2 to the power of i.
  const checkSymbol = (symbols) => {
    let sum = 0, weight = 1;
    for (const symbol of symbols) {
      weight = times(weight, 2);
      sum ^= times(weight, ALPHABET.indexOf(symbol));
    }
    return ALPHABET[sum];
  };

  const plain = (text) => text.toUpperCase().replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");

  // Whether a text is a whole code, with or without the digits of its picture.
  const reads = (text) => {
    const [, code] = /^(?:V1:)?([^:]+)(?::\d{8})?$/i.exec(text.trim()) ?? [];
    const symbols = plain(code ?? "");
    return symbols.length === SYMBOLS + 1 && [...symbols].every((symbol) => ALPHABET.includes(symbol)) &&
      checkSymbol(symbols.slice(0, SYMBOLS)) === symbols[SYMBOLS];
  };

  jifenTill.codes = { reads, checkSymbol };
})();

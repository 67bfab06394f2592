// A PyProxy that is never destroyed: JavaScript keeps what it once got from Python, here for a list that it shows.

export const python = `
class Invoice:
    def __init__(self, number):
        self.number = number
        self.lines = [f"line {n} of invoice {number}" for n in range(20)]

def make_invoice(number):
    return Invoice(number)
`;

const shown = [];
let number = 0;

export function work(module) {
  const make = module.get("make_invoice");
  const invoice = make(number++);
  make.destroy();
  shown.push(invoice);
}

export function mended(module) {
  const make = module.get("make_invoice");
  const invoice = make(number++);
  make.destroy();
  shown.push({ number: invoice.number });
  invoice.destroy();
}

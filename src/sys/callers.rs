//! Whether machine code enters rings by system calls of its own. Of a program that makes a ring through a function of
//! ours, that is all there is to tell whether it will go on through us: a ring that is served here and entered past us
//! is a ring in which nothing ever happens.

/// io_uring_enter(2) and io_uring_register(2).
const NUMBERS: [u32; 2] = [libc::SYS_io_uring_enter as u32, libc::SYS_io_uring_register as u32];

/// What a number is loaded for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Load {
    /// It is a function's first argument, as syscall(2)'s.
    Argument,
    /// A system call that stands there.
    Other,
}

/// Whether `text`, the code of a program or library where it is loaded, makes one of the calls by itself: it loads the
/// number and goes on to a system call, or it hands the number to a function of its own, and has one that makes any call.
/// `is_ours` says whether the pointer at an address, if there is one, is our syscall().
pub fn enter_past_us(text: &[u8], is_ours: impl Fn(usize) -> bool) -> bool {
    let mut is_handed_on = false;
    for (at, load) in arch::loads(text) {
        match load {
            Load::Argument => is_handed_on |= !arch::calls(text, at, &is_ours),
            Load::Other if arch::makes_call(&text[at..]) => return true,
            Load::Other => {}
        }
    }
    is_handed_on && arch::has_dispatcher(text)
}

#[cfg(target_arch = "x86_64")]
mod arch {
    use super::{Load, NUMBERS};

    const CALL: [u8; 2] = [0x0f, 0x05];
    const EAX: u8 = 0;
    const EDI: u8 = 7;

    /// Where one of the numbers is loaded as a constant: behind the instruction, and what for.
    pub fn loads(text: &[u8]) -> impl Iterator<Item = (usize, Load)> + '_ {
        let is_number = |bytes: &[u8]| {
            NUMBERS.contains(&u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let found = text.windows(4).enumerate().filter(move |(_, bytes)| is_number(bytes));
        found.filter_map(|(at, _)| Some((at + 4, load_before(&text[..at])?)))
    }

    /// The instruction of which a constant is the end, by the bytes before that.
    fn load_before(code: &[u8]) -> Option<Load> {
        let back = |n: usize| code.len().checked_sub(n).map_or(0, |at| code[at]);
        let to = |register: u8, is_high: bool| match register == EDI && !is_high {
            true => Load::Argument,
            false => Load::Other,
        };
        let is_rex_with = |byte: u8, bit: u8| byte & 0xf0 == 0x40 && byte & bit != 0;
        let (last, modrm) = (back(1), back(1));
        match () {
            // lea number(%other), %register; what may be a mov to %eax is one.
            () if back(2) == 0x8d && last != 0xb8 && modrm & 0xc0 == 0x80 && modrm & 7 != 4 => {
                Some(to(modrm >> 3 & 7, is_rex_with(back(3), 4)))
            }
            // mov $number, %register
            () if last & 0xf8 == 0xb8 => Some(to(last & 7, is_rex_with(back(2), 1))),
            () if back(2) == 0xc7 && modrm & 0xf8 == 0xc0 => {
                Some(to(modrm & 7, is_rex_with(back(3), 1)))
            }
            // push $number
            () if last == 0x68 => Some(Load::Other),
            // mov $number, memory
            () if (0..=5).any(|place| is_store(back(place + 2), back(place + 1), place)) => {
                Some(Load::Other)
            }
            () => None,
        }
    }

    /// Whether it is a mov of a constant to memory, in which `length` bytes say where.
    fn is_store(opcode: u8, modrm: u8, length: usize) -> bool {
        opcode == 0xc7 && modrm & 0x38 == 0 && modrm >> 6 != 3 && place_length(modrm) == length
    }

    /// Bytes behind `modrm` that say where in memory something is.
    fn place_length(modrm: u8) -> usize {
        match (modrm >> 6, modrm & 7) {
            (3, _) => 0,
            (0, 5) => 4,
            (mode, low) => usize::from(low == 4) + [0, 1, 4][usize::from(mode)],
        }
    }

    /// Whether a system call is made soon: arguments may have to be loaded before.
    pub fn makes_call(code: &[u8]) -> bool {
        const SOON: usize = 256;
        code[..code.len().min(SOON)].windows(2).any(|bytes| bytes == CALL)
    }

    /// Whether a function is called soon, or its address loaded, by a pointer that is ours.
    pub fn calls(text: &[u8], from: usize, is_ours: &impl Fn(usize) -> bool) -> bool {
        const SOON: usize = 96;
        (from..text.len().min(from + SOON)).any(|at| match text[at..] {
            // call *pointer, jmp *pointer
            [0xff, 0x15 | 0x25, ..] => is_ours(target(text, at + 2)),
            // mov pointer, %register
            [0x8b, modrm, ..] if modrm & 0xc7 == 5 => is_ours(target(text, at + 2)),
            // call, jmp
            [0xe8 | 0xe9, ..] => {
                let start = text.as_ptr() as usize;
                stub(text, target(text, at + 1).wrapping_sub(start)).is_some_and(is_ours)
            }
            _ => false,
        })
    }

    /// The address that the last 4 bytes of an instruction name, by its distance.
    fn target(text: &[u8], at: usize) -> usize {
        let end = text.as_ptr() as usize + at + 4;
        let distance = text.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        end.wrapping_add_signed(i32::from_le_bytes(distance.unwrap_or_default()) as isize)
    }

    /// The pointer that code at `at` jumps by, if all it does is that: what stands for another object's function.
    fn stub(text: &[u8], at: usize) -> Option<usize> {
        const ENDBR: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
        let mut code = text.get(at..)?;
        code = code.strip_prefix(&ENDBR).unwrap_or(code);
        code = code.strip_prefix(&[0xf2]).unwrap_or(code);
        matches!(code, [0xff, 0x25, ..]).then(|| target(text, text.len() - code.len() + 2))
    }

    /// Whether there is a function that makes the system call whose number it is given.
    pub fn has_dispatcher(text: &[u8]) -> bool {
        const LONGEST: usize = 72;
        let calls = text.windows(2).enumerate().filter(|(_, bytes)| *bytes == CALL);
        calls.into_iter().any(|(call, _)| {
            (call.saturating_sub(LONGEST)..call).any(|from| loads_number(&text[from..call]))
        })
    }

    /// Whether instructions, all of which are loads, begin by one of the number from a register or from memory.
    fn loads_number(mut code: &[u8]) -> bool {
        let Some((length, register)) = moved(code) else { return false };
        if register != EAX {
            return false;
        }
        while !code.is_empty() {
            let Some((length, _)) = moved(code) else { return false };
            code = &code[length..];
        }
        length > 0
    }

    /// A mov that the code begins with: its length, and the register that it loads; 16 and more stand for memory.
    fn moved(code: &[u8]) -> Option<(usize, u8)> {
        const MEMORY: u8 = 16;
        let rex = code.first().filter(|byte| **byte & 0xf0 == 0x40).copied();
        let at = usize::from(rex.is_some());
        let rex = rex.unwrap_or(0);
        let (opcode, modrm) = (*code.get(at)?, *code.get(at + 1)?);
        // A constant for another register than the number's.
        if matches!(opcode, 0xb9..=0xbf) && rex & 8 == 0 && code.len() >= at + 5 {
            return Some((at + 5, opcode & 7 | (rex & 1) << 3));
        }
        let (register, other) = ((modrm >> 3 & 7) | (rex & 4) << 1, (modrm & 7) | (rex & 1) << 3);
        let mode = modrm >> 6;
        let length = at + 2 + place_length(modrm);
        match opcode {
            _ if length > code.len() => None,
            0x89 if mode == 3 => Some((length, other)),
            0x89 => Some((length, MEMORY)),
            0x8b => Some((length, register)),
            // A register that is emptied.
            0x31 if mode == 3 && register == other && register != EAX => Some((length, register)),
            _ => None,
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod arch {
    use super::{Load, NUMBERS};

    const CALL: u32 = 0xd400_0001;

    fn words(text: &[u8]) -> impl Iterator<Item = u32> + Clone + '_ {
        text.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    }

    /// Where one of the numbers is loaded as a constant: behind the instruction, and what for.
    pub fn loads(text: &[u8]) -> impl Iterator<Item = (usize, Load)> + '_ {
        // movz, to a register of 32 or 64 bits
        let is_load = |word: u32| {
            NUMBERS.iter().any(|number| word & 0x7fff_ffe0 == 0x5280_0000 | number << 5)
        };
        let found = words(text).enumerate().filter(move |(_, word)| is_load(*word));
        found.map(|(at, word)| {
            let load = if word & 0x1f == 0 { Load::Argument } else { Load::Other };
            (at * 4 + 4, load)
        })
    }

    /// Whether a system call is made soon: arguments may have to be loaded before.
    pub fn makes_call(code: &[u8]) -> bool {
        const SOON: usize = 64;
        words(code).take(SOON).any(|word| word == CALL)
    }

    /// Whether a function is called soon by a pointer that is ours.
    pub fn calls(text: &[u8], from: usize, is_ours: &impl Fn(usize) -> bool) -> bool {
        const SOON: usize = 24;
        let start = text.as_ptr() as usize;
        let mut code = words(&text[from..]).take(SOON).enumerate();
        code.any(|(index, word)| {
            // bl, b
            let distance = ((word << 6) as i32 >> 4) as isize;
            let target = (from + index * 4).wrapping_add_signed(distance);
            word & 0x7c00_0000 == 0x1400_0000
                && text
                    .get(target..)
                    .is_some_and(|code| stub(start + target, code).is_some_and(is_ours))
        })
    }

    /// The pointer that `code`, which is at `start`, jumps by, if all it does is that: what stands for another object's
    /// function.
    fn stub(start: usize, code: &[u8]) -> Option<usize> {
        const BTI: u32 = 0xd503_245f;
        let mut code = words(code).enumerate().skip_while(|(_, word)| *word == BTI);
        let (index, page) = code.next()?;
        let (_, load) = code.next()?;
        // adrp x16, page; ldr x17, [x16, offset]
        if page & 0x9f00_001f != 0x9000_0010 || load & 0xffc0_03ff != 0xf940_0211 {
            return None;
        }
        let pages = ((page >> 29 & 3) | (page >> 5 & 0x7_ffff) << 2) << 11;
        let distance = (pages as i32 >> 11) as isize * 4096;
        let page = ((start + index * 4) & !4095).wrapping_add_signed(distance);
        Some(page + (load >> 10 & 0xfff) as usize * 8)
    }

    /// Whether there is a function that makes the system call whose number it is given.
    pub fn has_dispatcher(text: &[u8]) -> bool {
        const LONGEST: usize = 16;
        // mov x0, x8 of 32 or 64 bits; ldr x8, or ldur x8, from memory.
        let is_load = |word: u32| {
            matches!(word & 0x7fff_ffff, 0x2a00_03e8)
                || matches!(word & 0xbfc0_001f, 0xb940_0008 | 0xb840_0008)
        };
        let mut since_load = LONGEST;
        words(text).any(|word| {
            since_load = if is_load(word) { 0 } else { since_load.saturating_add(1) };
            word == CALL && since_load < LONGEST
        })
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch {
    use super::Load;

    /// Unknown code loads what it wants.
    pub fn loads(text: &[u8]) -> impl Iterator<Item = (usize, Load)> + '_ {
        core::iter::once((text.len(), Load::Other))
    }

    /// See [`loads`].
    pub fn makes_call(_: &[u8]) -> bool {
        true
    }

    /// See [`loads`].
    pub fn calls(_: &[u8], _: usize, _: &impl Fn(usize) -> bool) -> bool {
        false
    }

    /// See [`loads`].
    pub fn has_dispatcher(_: &[u8]) -> bool {
        true
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    const ENTER: [u8; 4] = [0xaa, 0x01, 0, 0];
    const CALL: [u8; 2] = [0x0f, 0x05];

    fn enter_past_us(text: &[u8]) -> bool {
        super::enter_past_us(text, |_| false)
    }

    fn text(parts: &[&[u8]]) -> Vec<u8> {
        let mut text = vec![0x90; 300];
        parts.iter().for_each(|part| text.extend_from_slice(part));
        text.extend_from_slice(&[0x90; 300]);
        text
    }

    #[test]
    fn a_call_of_its_own() {
        let forms: [&[u8]; 11] = [
            &[0xb8],                               // mov $, %eax
            &[0x41, 0xbf],                         // mov $, %r15d
            &[0x48, 0xc7, 0xc0],                   // mov $, %rax
            &[0x68],                               // push $
            &[0x8d, 0x82],                         // lea $(%rdx), %eax
            &[0xc7, 0x45, 0xfc],                   // mov $, -4(%rbp)
            &[0xc7, 0x44, 0x24, 0x08],             // mov $, 8(%rsp)
            &[0xc7, 0x85, 0x00, 0xff, 0xff, 0xff], // mov $, -256(%rbp)
            &[0xc7, 0x04, 0x24],                   // mov $, (%rsp)
            &[0xc7, 0x00],                         // mov $, (%rax)
            &[0xc7, 0x84, 0x24, 0x80, 0, 0, 0],    // mov $, 128(%rsp)
        ];
        for form in forms {
            let between: &[u8] = &[0x89, 0xea, 0x31, 0xf6];
            assert!(enter_past_us(&text(&[form, &ENTER, between, &CALL])), "{form:x?}");
            assert!(!enter_past_us(&text(&[form, &ENTER, between])), "{form:x?}");
            assert!(!enter_past_us(&text(&[form, &[0xca, 0, 0, 0], between, &CALL])), "{form:x?}");
        }
        assert!(enter_past_us(&text(&[&[0xb8], &[0xab, 0x01, 0, 0], &CALL])));
    }

    #[test]
    fn an_argument_of_syscall() {
        for form in [&[0xbf][..], &[0x48, 0xc7, 0xc7], &[0x8d, 0xba]] {
            // Beside a call of another number, and behind a jump as far as the number.
            let futex: &[u8] = &[0xb8, 0xca, 0, 0, 0, 0x0f, 0x05];
            assert!(!enter_past_us(&text(&[form, &ENTER, futex])), "{form:x?}");
            assert!(!enter_past_us(&text(&[form, &ENTER, &[0x0f, 0x85], &ENTER, &CALL])));
        }
    }

    #[test]
    fn an_argument_of_a_function_that_makes_any_call() {
        let optimized: &[u8] = &[
            0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0x4d, 0x89,
            0xc2, 0x4d, 0x89, 0xc8, 0x4c, 0x8b, 0x4c, 0x24, 0x08, 0x0f, 0x05,
        ];
        let plain: &[u8] = &[
            0x48, 0x8b, 0x45, 0xf8, 0x48, 0x8b, 0x7d, 0xf0, 0x48, 0x8b, 0x75, 0xe8, 0x4c, 0x8b,
            0x55, 0xe0, 0x0f, 0x05,
        ];
        let constant: &[u8] = &[0x48, 0x89, 0xf8, 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05];
        assert!(enter_past_us(&text(&[&[0xbf], &ENTER, &[0x90; 300], optimized])));
        assert!(enter_past_us(&text(&[&[0xbf], &ENTER, &[0x90; 300], plain])));
        assert!(!enter_past_us(&text(&[&[0xbf], &ENTER, &[0x90; 300], constant])));
        assert!(!enter_past_us(&text(&[&[0x90; 300], optimized])));
        // It is not handed to that one, but to ours: by a pointer, whose address stands 16 bytes on, or by a stub for it.
        let calls: [&[u8]; 4] = [
            &[0xff, 0x15, 0x10, 0, 0, 0],
            &[0x48, 0x8b, 0x05, 0x10, 0, 0, 0],
            &[0xe8, 2, 0, 0, 0, 0x90, 0x90, 0xff, 0x25, 0x10, 0, 0, 0],
            &[
                0xe8, 2, 0, 0, 0, 0x90, 0x90, 0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x10, 0, 0,
                0,
            ],
        ];
        for call in calls {
            let text = text(&[&[0xbf], &ENTER, &[0x31, 0xc0], call, &[0x90; 300], optimized]);
            let slot = text.as_ptr() as usize + 300 + 7 + call.len() + 0x10;
            assert!(!super::enter_past_us(&text, |at| at == slot), "{call:x?}");
            assert!(super::enter_past_us(&text, |at| at != slot), "{call:x?}");
        }
        assert!(!enter_past_us(&[]));
        assert!(!enter_past_us(&ENTER));
    }
}

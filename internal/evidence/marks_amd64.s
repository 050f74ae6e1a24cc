#include "textflag.h"

// MARK writes at the offset to of the marks which bytes of X0 to X3 are the one that stands at the offset at of like.
#define MARK(at, to) \
	MOVOU like<>+at(SB), X8; \
	MOVO X0, X4; PCMPEQB X8, X4; PMOVMSKB X4, AX; \
	MOVO X1, X5; PCMPEQB X8, X5; PMOVMSKB X5, BX; \
	MOVO X2, X6; PCMPEQB X8, X6; PMOVMSKB X6, CX; \
	MOVO X3, X7; PCMPEQB X8, X7; PMOVMSKB X7, DX; \
	SHLQ $16, BX; SHLQ $32, CX; SHLQ $48, DX; \
	ORQ BX, AX; ORQ CX, AX; ORQ DX, AX; \
	MOVQ AX, to(DI)

// func mark(b *[64]byte, m *marks)
TEXT ·mark(SB), NOSPLIT, $0-16
	MOVQ b+0(FP), SI
	MOVQ m+8(FP), DI
	MOVOU 0(SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	MARK(0, 0)   // quotes
	MARK(16, 8)  // backs
	MARK(32, 16) // lines
	MARK(48, 24) // commas
	MOVOU like<>+64(SB), X8 // a bracket and its brace differ in this bit
	POR X8, X0
	POR X8, X1
	POR X8, X2
	POR X8, X3
	MARK(80, 32) // opens
	MARK(96, 40) // closes
	RET

DATA like<>+0(SB)/8, $0x2222222222222222
DATA like<>+8(SB)/8, $0x2222222222222222
DATA like<>+16(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA like<>+24(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA like<>+32(SB)/8, $0x0a0a0a0a0a0a0a0a
DATA like<>+40(SB)/8, $0x0a0a0a0a0a0a0a0a
DATA like<>+48(SB)/8, $0x2c2c2c2c2c2c2c2c
DATA like<>+56(SB)/8, $0x2c2c2c2c2c2c2c2c
DATA like<>+64(SB)/8, $0x2020202020202020
DATA like<>+72(SB)/8, $0x2020202020202020
DATA like<>+80(SB)/8, $0x7b7b7b7b7b7b7b7b
DATA like<>+88(SB)/8, $0x7b7b7b7b7b7b7b7b
DATA like<>+96(SB)/8, $0x7d7d7d7d7d7d7d7d
DATA like<>+104(SB)/8, $0x7d7d7d7d7d7d7d7d
GLOBL like<>(SB), RODATA|NOPTR, $112

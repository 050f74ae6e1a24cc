#include "textflag.h"

// ALIKE marks the bytes of X0 to X3 that are like those of a register, in AX.
#define ALIKE(like) \
	MOVO X0, X4; PCMPEQB like, X4; PMOVMSKB X4, AX; \
	MOVO X1, X5; PCMPEQB like, X5; PMOVMSKB X5, BX; \
	MOVO X2, X6; PCMPEQB like, X6; PMOVMSKB X6, CX; \
	MOVO X3, X7; PCMPEQB like, X7; PMOVMSKB X7, DX; \
	SHLQ $16, BX; SHLQ $32, CX; SHLQ $48, DX; \
	ORQ BX, AX; ORQ CX, AX; ORQ DX, AX

// func mark(b *[64]byte, m *marks)
TEXT ·mark(SB), NOSPLIT, $0-16
	MOVQ b+0(FP), SI
	MOVQ m+8(FP), DI
	MOVOU 0(SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	MOVOU like<>+0(SB), X8 // quotes
	ALIKE(X8)
	MOVQ AX, 0(DI)
	MOVOU like<>+16(SB), X8 // backs
	ALIKE(X8)
	MOVQ AX, 8(DI)
	MOVOU like<>+32(SB), X8 // lines
	ALIKE(X8)
	MOVQ AX, 16(DI)
	MOVOU like<>+48(SB), X8 // commas
	ALIKE(X8)
	MOVQ AX, 24(DI)
	MOVOU like<>+64(SB), X8 // a bracket and its brace differ in this bit
	POR X8, X0
	POR X8, X1
	POR X8, X2
	POR X8, X3
	MOVOU like<>+80(SB), X8 // opens
	ALIKE(X8)
	MOVQ AX, 32(DI)
	MOVOU like<>+96(SB), X8 // closes
	ALIKE(X8)
	MOVQ AX, 40(DI)
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

package function

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"
	"math/big"
	"net/url"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// encodeFuncs turn text into other forms and back.
// https://learn.microsoft.com/kusto/query/scalar-functions#string-functions
var encodeFuncs = []Func{
	{Name: "hash_xxhash64 hash", Signatures: []string{"string=, long? -> long", "datetime, long? -> long", "simple, long? -> long"}, Go: goXXHash, Doc: "hash-xxhash64-function"},
	{Name: "base64_decode_toarray", Signatures: []string{"text -> dynamic"}, Go: goBase64Array, Doc: "base64-decode-toarray-function"},
	{Name: "base64_encode_fromarray", Signatures: []string{"array -> string"}, Go: goArrayBase64, Doc: "base64-encode-fromarray-function"},
	{Name: "base64_encode_fromguid", Signatures: []string{"guid -> string"}, Go: goGUIDBase64, Doc: "base64-encode-fromguid-function"},
	{Name: "base64_decode_toguid", Signatures: []string{"text -> guid"}, Go: goBase64GUID, Doc: "base64-decode-toguid-function"},
	{Name: "gzip_decompress_from_base64_string", Signatures: []string{"text -> string"}, Go: goUnpack(func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }), Doc: "gzip-base64-decompress"},
	{Name: "zlib_decompress_from_base64_string", Signatures: []string{"text -> string"}, Go: goUnpack(zlib.NewReader), Doc: "zlib-base64-decompress-function"},
	{Name: "gzip_compress_to_base64_string", Signatures: []string{"text -> string"}, Go: goPack(gzipHeader, gzipTrailer), Doc: "gzip-base64-compress"},
	{Name: "zlib_compress_to_base64_string", Signatures: []string{"text -> string"}, Go: goPack(zlibHeader, zlibTrailer), Doc: "zlib-base64-compress-function"},
	{Name: "url_encode", Signatures: []string{"text -> string"}, Go: goFormEncode, Doc: "url-encode-function"},
	{Name: "url_encode_component", Signatures: []string{"text -> string"}, Go: goURLEncode, Doc: "url-encode-component-function"},
	{Name: "parse_csv", Signatures: []string{"text -> dynamic"}, Go: goParseCSV, Naming: NameFirst, Doc: "parse-csv-function"},
	{Name: "parse_url parseurl", Signatures: []string{"text -> dynamic"}, Go: goParseURL, Doc: "parse-url-function"},
	{Name: "parse_urlquery parseurlquery", Signatures: []string{"text -> dynamic"}, Go: goParseURLQuery, Doc: "parse-url-query-function"},
	{Name: "parse_version", Signatures: []string{"text -> decimal"}, SQL: "CAST(nullif(kql_go_version_number_0($1), '') AS DECIMAL(38,0))", Doc: "parse-version-function"},
	{Name: "parse_path", Signatures: []string{"text -> dynamic"}, Go: goParsePath, Doc: "parse-path-function"},
	{Name: "indexof_regex", Signatures: []string{"spelled, spelled, long?, long?, long? -> long"}, Go: goIndexOfRegex, Doc: "indexof-regex-function"},
}

// versionFuncs are the parts of parse_version and of a division of decimals that SQL cannot do, on their texts.
var versionFuncs = []Func{
	{Name: "version_number", Signatures: []string{"string -> string"}, Go: goVersion, Doc: "parse-version-function"},
	{Name: "decimal_quotient", Signatures: []string{"string, string -> string"}, Go: goDecimalQuotient, Doc: "scalar-data-types/decimal"},
}

// decimalDigits is the number of digits that a decimal keeps behind the point.
const decimalDigits = 12

func goDecimalQuotient(args []schema.Value) (schema.Value, error) {
	var a, b big.Rat
	_, okA := a.SetString(args[0].(string))
	_, okB := b.SetString(args[1].(string))
	if !okA || !okB || b.Sign() == 0 {
		return "", nil
	}
	return a.Quo(&a, &b).FloatString(decimalDigits), nil
}

// divideDecimals renders a quotient of decimals, which DuckDB would compute as a real.
func divideDecimals(a, b string) string {
	return "CAST(nullif(kql_go_decimal_quotient_0(CAST(" + a + " AS VARCHAR), CAST(" + b + " AS VARCHAR)), '') AS DECIMAL(38,12))"
}

// goXXHash is xxHash64 of the text's UTF-8, or of a datetime's ticks, as a signed number.
func goXXHash(args []schema.Value) (schema.Value, error) {
	var sum uint64
	switch v := args[0].(type) {
	case string:
		sum = xxhash.Sum64String(v)
	case schema.Ticks:
		sum = xxhash.Sum64(binary.LittleEndian.AppendUint64(nil, uint64(v)))
	default:
		return nil, Refused("hash of a value other than a string or datetime: which of its bytes Kusto takes is not documented")
	}
	if len(args) == 1 {
		return int64(sum), nil
	}
	mod, _ := args[1].(int64)
	if mod <= 0 {
		return nil, nil
	}
	return int64(sum % uint64(mod)), nil
}

func goBase64Array(args []schema.Value) (schema.Value, error) {
	raw, err := base64.StdEncoding.DecodeString(args[0].(string))
	if err != nil {
		return nil, nil
	}
	out := make([]json.RawMessage, len(raw))
	for i, b := range raw {
		out[i] = json.RawMessage(strconv.Itoa(int(b)))
	}
	return array(out), nil
}

func goArrayBase64(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return "", nil
	}
	raw := make([]byte, len(list))
	for i, e := range list {
		n, err := strconv.ParseUint(string(e), 10, 8)
		if err != nil {
			return "", nil
		}
		raw[i] = byte(n)
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

func goGUIDBase64(args []schema.Value) (schema.Value, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(args[0].(string), "-", ""))
	if err != nil || len(b) != 16 {
		return "", nil
	}
	out := binary.LittleEndian.AppendUint32(nil, binary.BigEndian.Uint32(b))
	out = binary.LittleEndian.AppendUint16(out, binary.BigEndian.Uint16(b[4:]))
	out = binary.LittleEndian.AppendUint16(out, binary.BigEndian.Uint16(b[6:]))
	return base64.StdEncoding.EncodeToString(append(out, b[8:]...)), nil
}

// goBase64GUID reads sixteen bytes, the first three groups in little-endian order as .NET has them.
func goBase64GUID(args []schema.Value) (schema.Value, error) {
	b, err := base64.StdEncoding.DecodeString(args[0].(string))
	if err != nil || len(b) != 16 {
		return nil, nil
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:]), nil
}

// maxUnpacked bounds what a compressed text may become, so that a bomb in the evidence does not fill the memory.
const maxUnpacked = 16 << 20

func goUnpack(open func(io.Reader) (io.ReadCloser, error)) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		raw, err := base64.StdEncoding.DecodeString(args[0].(string))
		if err != nil {
			return "", nil
		}
		r, err := open(bytes.NewReader(raw))
		if err != nil {
			return "", nil
		}
		text, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
		if err != nil || len(text) > maxUnpacked {
			return "", nil
		}
		return strings.ToValidUTF8(string(text), "\ufffd"), nil
	}
}

// maxStored is the length up to which text is stored as it is: packing would not make it smaller, and the documented
// answers show it. What comes out for longer text is one of many packings that give the text back.
const maxStored = 51

// deflate packs text. https://www.rfc-editor.org/rfc/rfc1951
func deflate(text []byte) ([]byte, error) {
	if n := uint16(len(text)); len(text) <= maxStored {
		out := binary.LittleEndian.AppendUint16([]byte{1}, n)
		return append(binary.LittleEndian.AppendUint16(out, ^n), text...), nil
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// goPack packs text between a header and a trailer.
func goPack(header string, trailer func(text []byte) []byte) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		text := []byte(args[0].(string))
		packed, err := deflate(text)
		if err != nil {
			return nil, err
		}
		return base64.StdEncoding.EncodeToString(append(append([]byte(header), packed...), trailer(text)...)), nil
	}
}

const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" // https://www.rfc-editor.org/rfc/rfc1952

func gzipTrailer(text []byte) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(text)), uint32(len(text)))
}

const zlibHeader = "\x78\x01" // https://www.rfc-editor.org/rfc/rfc1950

func zlibTrailer(text []byte) []byte {
	return binary.BigEndian.AppendUint32(nil, adler32.Checksum(text))
}

// goURLEncode encodes all but unreserved characters, with small hexadecimal digits.
func goURLEncode(args []schema.Value) (schema.Value, error) {
	return percentEncode(args[0].(string)), nil
}

// goFormEncode writes blanks as plus signs, as forms do.
func goFormEncode(args []schema.Value) (schema.Value, error) {
	return strings.ReplaceAll(percentEncode(args[0].(string)), "%20", "+"), nil
}

func percentEncode(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.!~*'()", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// goParseCSV reads the first record of a CSV.
func goParseCSV(args []schema.Value) (schema.Value, error) {
	r := csv.NewReader(strings.NewReader(args[0].(string)))
	r.LazyQuotes = true
	record, err := r.Read()
	if err != nil {
		return nil, nil
	}
	out := make([]json.RawMessage, len(record))
	for i, cell := range record {
		out[i] = schema.AppendJSON(nil, schema.String, cell)
	}
	return array(out), nil
}

// texts makes a bag of strings from pairs of keys and values.
func texts(pairs ...string) *bag {
	b := &bag{values: map[string]json.RawMessage{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		b.set(pairs[i], schema.AppendJSON(nil, schema.String, pairs[i+1]), true)
	}
	return b
}

func queryBag(query string) json.RawMessage {
	out := texts()
	for part := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(part, "=")
		if key == "" {
			continue
		}
		if text, err := url.QueryUnescape(value); err == nil {
			value = text
		}
		out.set(key, schema.AppendJSON(nil, schema.String, value), false)
	}
	raw, _ := out.json().(json.RawMessage)
	return raw
}

func goParseURL(args []schema.Value) (schema.Value, error) {
	text := args[0].(string)
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		u = &url.URL{}
		if _, query, ok := strings.Cut(text, "?"); ok {
			u.RawQuery = query
		}
	}
	password, _ := u.User.Password()
	out := texts("Scheme", u.Scheme, "Host", u.Hostname(), "Port", u.Port(), "Path", u.EscapedPath(), "Username", u.User.Username(), "Password", password)
	out.set("Query Parameters", queryBag(u.RawQuery), true)
	out.set("Fragment", schema.AppendJSON(nil, schema.String, u.Fragment), true)
	return out.json(), nil
}

func goParseURLQuery(args []schema.Value) (schema.Value, error) {
	out := texts()
	out.set("Query Parameters", queryBag(strings.TrimPrefix(args[0].(string), "?")), true)
	return out.json(), nil
}

// goVersion makes a comparable number of up to four parts of up to eight digits.
func goVersion(args []schema.Value) (schema.Value, error) {
	parts := strings.Split(args[0].(string), ".")
	if len(parts) > 4 {
		return "", nil
	}
	sum := new(big.Int)
	for i := range 4 {
		sum.Mul(sum, big.NewInt(100000000))
		if i < len(parts) {
			n, err := strconv.ParseUint(parts[i], 10, 32)
			if err != nil || n >= 100000000 {
				return "", nil
			}
			sum.Add(sum, new(big.Int).SetUint64(n))
		}
	}
	return sum.String(), nil
}

func goParsePath(args []schema.Value) (schema.Value, error) {
	text := args[0].(string)
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "", text
	}
	root := ""
	if len(rest) >= 2 && rest[1] == ':' {
		root = rest[:2]
	}
	stream := ""
	if i := strings.LastIndexByte(rest, ':'); i > 1 {
		rest, stream = rest[:i], rest[i+1:]
	}
	directory, file := "", rest
	if i := strings.LastIndexAny(rest, `/\`); i >= 0 {
		directory, file = rest[:i], rest[i+1:]
	}
	name := directory
	if i := strings.LastIndexAny(directory, `/\`); i >= 0 {
		name = directory[i+1:]
	}
	extension := ""
	if i := strings.LastIndexByte(file, '.'); i >= 0 {
		extension = file[i+1:]
	}
	return texts("Scheme", scheme, "RootPath", root, "DirectoryPath", directory, "DirectoryName", name, "Filename", file,
		"Extension", extension, "AlternateDataStreamName", stream).json(), nil
}

// goIndexOfRegex finds the n-th match that lies whole inside the range.
func goIndexOfRegex(args []schema.Value) (schema.Value, error) {
	re, err := Regex(args[1].(string))
	var foreign Foreign
	switch {
	case errors.As(err, &foreign):
		return nil, Refused(string(foreign))
	case err != nil:
		return nil, err
	}
	text := []rune(args[0].(string))
	number := func(i int, fallback int64) int64 {
		if i < len(args) {
			n, _ := args[i].(int64)
			return n
		}
		return fallback
	}
	start, length, occurrence := number(2, 0), number(3, -1), number(4, 1)
	if start < 0 || length < -1 || occurrence < 1 {
		return nil, nil
	}
	start = min(start, int64(len(text)))
	end := int64(len(text))
	if length >= 0 {
		end = min(end, start+min(length, end))
	}
	inside := string(text[start:end])
	found := re.FindAllStringIndex(inside, int(min(occurrence, 1<<20)))
	if int64(len(found)) < occurrence {
		return int64(-1), nil
	}
	return start + int64(len([]rune(inside[:found[occurrence-1][0]]))), nil
}

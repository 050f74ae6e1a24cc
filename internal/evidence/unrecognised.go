package evidence

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	unpackIt = "unpack it first and give the folder, or pack it as zip"
	exportIt = "export the table as CSV or JSON lines"

	exportXML = "export as JSON or CSV; what Export-Clixml wrote becomes JSON by Import-Clixml FILE | ConvertTo-Json -Depth 10"
)

// notRead are the first bytes of files that are not read, what they are and what to do.
var notRead = []struct{ magic, what, help string }{
	{"7z\xbc\xaf\x27\x1c", "a 7z archive", unpackIt},
	{"Rar!\x1a\x07", "a RAR archive", unpackIt},
	{"MSCF\x00", "a cabinet archive", unpackIt},
	{"\xfd7zXZ\x00", "compressed by xz", "unpack it first (xz -d), or compress it with gzip or zstd"},
	{"BZh", "compressed by bzip2", "unpack it first (bunzip2), or compress it with gzip or zstd"},
	{"\x04\x22\x4d\x18", "compressed by lz4", "unpack it first (lz4 -d), or compress it with gzip or zstd"},
	{"PAR1", "Parquet", exportIt}, // within an archive or on standard input
	{"ORC", "ORC", exportIt},
	{"SQLite format 3\x00", "a database of SQLite", exportIt},
	{"\xd0\xcf\x11\xe0", "a document of an older Office", "give the export from which it was made, or save it as CSV UTF-8"},
	{"ElfFile\x00", "a Windows event log", "give exports of Microsoft Entra ID: docs/evidence.md lists the shapes"},
	{"%PDF-", "a PDF", "give the export from which it was made"},
	{"<?xml", "XML", exportXML},
	{"<Objs ", "XML", exportXML}, // of Export-Clixml
	{"<!", "a page of the web", "export as JSON or CSV"},
	{"<html", "a page of the web", "export as JSON or CSV"},
}

// ours are files of our own that lie beside evidence and are none.
var ours = []struct {
	known      *regexp.Regexp
	what, help string
}{
	{regexp.MustCompile(`(?m)^(?:corporate_networks|vpn_networks|working_hours|approved_apps|vpn_log|asn_database|incident):(?:\s|$)`), "it is a tenant file and no evidence", "a tenant file: give it with --tenant"},
	{regexp.MustCompile(`^\{\s*"schema_version":\s*\d+,\s*"seed":\s*\d+,\s*"incidents":`), "it is the answer key of simulate and no evidence", "hunt the folder of the evidence beside it"},
}

// refused is the error of a file whose first bytes say that it is of a kind that is not read; nil of others.
func (f *File) refused(head []byte) error {
	switch {
	case len(head) == 0:
		return &NotRecognised{"the file is empty", "export it again"}
	case isZip(f.header), isTar(f.header):
		return &NotRecognised{"the file is an archive in an archive, or one on standard input", "unpack it first and give the folder"}
	}
	for _, other := range notRead {
		if bytes.HasPrefix(head, []byte(other.magic)) {
			return &NotRecognised{"the file is " + other.what, other.help}
		}
	}
	if bytes.Count(f.header, []byte{0}) > len(f.header)/8 {
		return &NotRecognised{"the file is binary", "give exports as CSV or JSON, plain, gzip, zstd or zip"}
	}
	return nil
}

// unrecognised says of a file of which no shape is known what it seems to be, and what to do.
func (f *File) unrecognised(head []byte) error {
	if f.foreign {
		return &NotRecognised{
			"it looks like a download of the Entra admin centre in a language that is not known here",
			"set the portal's language to English and download it again, or download it as JSON, whose names are the same in every language",
		}
	}
	if code, message := serviceError(head); code != "" {
		return &NotRecognised{
			"it holds an error of the service and no evidence: " + strings.TrimSuffix(code+": "+message, ": "),
			"see to what the message says, and export again",
		}
	}
	if empty := bytes.Join(bytes.Fields(head), nil); string(empty) == "[]" {
		return &NotRecognised{"the file holds no records", "export it again, or leave it out"}
	}
	for _, own := range ours {
		if own.known.Match(head) {
			return &NotRecognised{own.what, own.help}
		}
	}
	return &NotRecognised{
		fmt.Sprintf("no sign-in evidence recognised (it reads as %s)", f.looks(head)),
		"give exports of Log Analytics, Azure Monitor, Microsoft Graph, the Entra admin centre, Defender XDR or Purview: docs/evidence.md lists the shapes",
	}
}

// serviceError is the code and the message of the error with which Microsoft's services answer instead of records.
func serviceError(head []byte) (code, message string) {
	if head[0] != '{' {
		return "", ""
	}
	for path, into := range map[string]*string{"error.code": &code, "error.message": &message} {
		if v, err := lookup(head, path); err == nil && (v.Kind == Text || v.Kind == Escaped) {
			*into = strings.ToValidUTF8(string(unescape(nil, v.Bytes[:min(len(v.Bytes), maxLink)])), "\ufffd")
		}
	}
	return code, message
}

// aKey is the first line of YAML that is no remark.
var aKey = regexp.MustCompile(`^(?:(?:#.*|---|\s*)\n)*[\w-]+:(?:\s|$)`)

// looks is what a file looks like of which no shape is known.
func (f *File) looks(head []byte) string {
	whole := head
	for cut := 1; cut < utf8.UTFMax && cut < len(head) && !utf8.Valid(whole); cut++ {
		whole = head[:len(head)-cut] // the end of what was read may lie in a character
	}
	control := func(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\r\n\f", c) }
	switch {
	case !utf8.Valid(whole) || bytes.ContainsFunc(whole, control):
		return "binary"
	case f.container != CSV:
	case aKey.Match(whole):
		return "YAML"
	case !bytes.ContainsAny(whole, ",;\t|"):
		return "text"
	}
	return fmt.Sprint(f.container)
}

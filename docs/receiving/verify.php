<?php
// A receiver, with plain PHP 8: WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:9000 verify.php
declare(strict_types=1);

const TOLERANCE = 5 * 60; // seconds that the clocks may differ, and an attempt be old
const LARGEST = 1024 * 1024; // bytes

// Whether the body, as it came, is signed with our secret, and not long ago.
function verify(string $key, string $id, string $timestamp, string $signatures, string $body): bool
{
    if ($id === '' || !ctype_digit($timestamp) || abs(time() - (int) $timestamp) > TOLERANCE) {
        return false;
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    // While a secret is exchanged there are two signatures. One that fits is enough.
    foreach (explode(' ', $signatures) as $given) {
        if (hash_equals($expected, $given)) {
            return true;
        }
    }
    return false;
}

// False if it came before. The folder stands for a table: INSERT … ON CONFLICT DO NOTHING.
function store(string $folder, string $id, string $body): bool
{
    is_dir($folder) || @mkdir($folder, 0700, true);
    $file = @fopen("$folder/$id", 'x');
    if ($file === false && is_file("$folder/$id")) {
        return false;
    }
    if ($file === false || fwrite($file, $body) !== strlen($body) || !fclose($file)) {
        throw new RuntimeException("$id can't be stored");
    }
    return true;
}

function receive(): int
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    // The raw body, not $_POST: written anew it would have another signature.
    $body = file_get_contents('php://input', length: LARGEST + 1);
    if ($body === false || strlen($body) > LARGEST) {
        return 413;
    }
    $key = base64_decode(substr((string) getenv('WEBHOOK_SECRET'), strlen('whsec_')), true);
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    $signatures = $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '';
    // With an empty key anybody could sign.
    if (!$key || !verify($key, $id, $timestamp, $signatures, $body)) {
        return 401;
    }
    if (store(getenv('INBOX') ?: 'inbox', $id, $body)) {
        error_log("stored $id");
    }
    return 204; // stored is enough: the work on it is done afterwards, by something else
}

try {
    http_response_code(receive());
} catch (RuntimeException $error) { // not 2xx, so it comes again
    error_log($error->getMessage());
    http_response_code(500);
}
